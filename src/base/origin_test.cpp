#include "base/origin.hpp"

#include <string>

#include "proves.hpp"

namespace portcullis {
namespace {

bool matches(std::string_view pattern, std::string_view origin) {
  const auto p = OriginPattern::parse(pattern);
  EXPECT_TRUE(p) << pattern;
  const auto o = Origin::parse(origin);
  return p && o && p->matches(*o);
}

TEST(Origin, HostInFindsWhatParseFinds) {
  for (const char* origin :
       {"https://shop.example", "http://shop.example:8080", "https://[2001:db8::1]",
        "https://[2001:db8::1]:444", "http://127.0.0.1:8000"}) {
    const auto parsed = Origin::parse(origin);
    ASSERT_TRUE(parsed) << origin;
    EXPECT_EQ(Origin::host_in(parsed->text()), parsed->host) << origin;
  }
  EXPECT_EQ(Origin::host_in(""), "");
  EXPECT_EQ(Origin::host_in("null"), "");
}

TEST(Origin, ReadsWhatBrowsersSend) {
  const auto origin = Origin::parse("https://www.Example.com:8443");
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->scheme, "https");
  EXPECT_EQ(origin->host, "www.example.com");
  EXPECT_EQ(origin->port, 8443);
  EXPECT_EQ(origin->text(), "https://www.example.com:8443");
  EXPECT_EQ(Origin::parse("https://a.b:443"), Origin::parse("https://a.b"));
  EXPECT_EQ(Origin::parse("http://a.b:80")->text(), "http://a.b");
  EXPECT_EQ(Origin::parse("HTTP://[::1]:8080")->text(), "http://[::1]:8080");
  EXPECT_EQ(Origin::parse("http://192.0.2.1")->host, "192.0.2.1");
}

TEST(Origin, RefusesWhatIsNoOrigin) {
  PROVES("F045");
  for (const std::string_view text : {"",
                                      "null",
                                      "NULL",
                                      "*",
                                      "https://",
                                      "https:///a",
                                      "//a.com",
                                      "a.com",
                                      "https:/a.com",
                                      "ftp://a.com",
                                      "file://",
                                      "data://x",
                                      "javascript://a.com",
                                      "chrome-extension://abc",
                                      "https://a.com/",
                                      "https://a.com/x",
                                      "https://a.com?x",
                                      "https://a.com#x",
                                      "https://user@a.com",
                                      "https://user:pw@a.com",
                                      "https://a.com:",
                                      "https://a.com:0",
                                      "https://a.com:65536",
                                      "https://a.com:80:80",
                                      "https://a.com:-1",
                                      "https://a.com:8x",
                                      "https://a..com",
                                      "https://.a.com",
                                      "https://a.com.",
                                      "https://-a.com",
                                      "https://a-.com",
                                      "https://a_b.com",
                                      "https://a b.com",
                                      " https://a.com",
                                      "https://a.com ",
                                      "https://a.com\t",
                                      "https://a.com,https://b.com",
                                      "https://a.com https://b.com",
                                      "https://b\xc3\xbc"
                                      "cher.de",
                                      "https://1.2.3",
                                      "https://1.2.3.4.5",
                                      "https://256.1.1.1",
                                      "https://a.1",
                                      "https://[::1",
                                      "https://::1",
                                      "https://[::1]x",
                                      "https://[1.2.3.4]",
                                      "https://[::1%25eth0]",
                                      "https://[]",
                                      "https://[:]",
                                      "https://a.com\\",
                                      "https://a.com\\@b.com",
                                      "https://%61.com",
                                      "https://a.com;b",
                                      "https://*.a.com",
                                      "https://1::2:80",
                                      "https://2001:db8::1"}) {
    EXPECT_FALSE(Origin::parse(text)) << text;
  }
  EXPECT_FALSE(Origin::parse(std::string_view("https://a.com\0.b.com", 20)));
  EXPECT_FALSE(Origin::parse("https://" + std::string(64, 'a') + ".com"));
  EXPECT_TRUE(Origin::parse("https://" + std::string(63, 'a') + ".com"));
  std::string host = "a";
  while (host.size() < 253) host += ".a";
  EXPECT_TRUE(Origin::parse("https://" + host));
  EXPECT_FALSE(Origin::parse("https://" + host + ".aa"));
}

TEST(Origin, IsTakenOutOfAUrl) {
  PROVES("F046");
  EXPECT_EQ(Origin::of_url("https://a.com/path?x#y")->text(), "https://a.com");
  EXPECT_EQ(Origin::of_url("https://a.com:444?x")->text(), "https://a.com:444");
  EXPECT_EQ(Origin::of_url("https://a.com#https://b.com")->text(), "https://a.com");
  EXPECT_EQ(Origin::of_url("https://a.com")->text(), "https://a.com");
  for (const char* url : {"", "about:blank", "https://a.com@b.com/", "https://a.com\\.b.com/",
                          "/path", "https:a.com", "data:text/html,x", "https://?x"}) {
    EXPECT_FALSE(Origin::of_url(url)) << url;
  }
}

TEST(OriginPattern, LookAlikesDoNotMatch) {
  PROVES("F045,F049");
  EXPECT_TRUE(matches("https://example.com", "https://example.com"));
  EXPECT_TRUE(matches("https://example.com", "https://EXAMPLE.com:443"));
  for (const char* origin :
       {"http://example.com", "https://example.com:444", "https://www.example.com",
        "https://example.com.evil.com", "https://evilexample.com", "https://example.co",
        "https://example.comm", "https://xn--example-.com", "https://example-com.com",
        "https://e.xample.com", "null"}) {
    EXPECT_FALSE(matches("https://example.com", origin)) << origin;
  }
}

TEST(OriginPattern, AWildcardStandsForWholeLabelsOnly) {
  PROVES("F045,F049");
  for (const char* origin : {"https://a.example.com", "https://a.b.example.com"}) {
    EXPECT_TRUE(matches("https://*.example.com", origin)) << origin;
  }
  for (const char* origin :
       {"https://example.com", "https://aexample.com", "http://a.example.com",
        "https://a.example.com:8443", "https://a.example.com.evil.com", "https://a-example.com"}) {
    EXPECT_FALSE(matches("https://*.example.com", origin)) << origin;
  }
  EXPECT_TRUE(matches("http://*.example.com:8080", "http://x.example.com:8080"));
  for (const char* bad : {"https://*", "https://*example.com", "https://a.*.com", "https://*.",
                          "https://a*.com", "https://**.com", "https://*.*.com", "*.example.com",
                          "https://*.example.com/x", "https://exam*ple.com"}) {
    EXPECT_FALSE(OriginPattern::parse(bad)) << bad;
  }
}

TEST(OriginPattern, TheStarMatchesEveryOriginAndSaysSo) {
  const auto any = OriginPattern::parse("*");
  ASSERT_TRUE(any);
  EXPECT_TRUE(any->is_any());
  EXPECT_TRUE(any->has_wildcard());
  EXPECT_TRUE(any->matches(*Origin::parse("http://x.y:1")));
  EXPECT_EQ(any->text(), "*");
}

TEST(OriginPattern, ForgivesASlashAtTheEndAndWritesItselfBack) {
  EXPECT_EQ(OriginPattern::parse(" https://a.com/ ")->text(), "https://a.com");
  EXPECT_EQ(OriginPattern::parse("https://*.a.com:8443")->text(), "https://*.a.com:8443");
  EXPECT_FALSE(OriginPattern::parse("https://a.com//"));
  EXPECT_FALSE(OriginPattern::parse("null"));
  EXPECT_FALSE(OriginPattern::parse(""));
}

TEST(Host, IsADnsNameAnAddressOrLocalhost) {
  for (const char* host : {"localhost", "a.b", "xn--bcher-kva.de", "1a.2b", "127.0.0.1", "[::1]",
                           "[2001:db8::1]", "a-b.c-d", "3com.com"}) {
    EXPECT_TRUE(is_valid_host(host)) << host;
  }
  for (const char* host :
       {"",      ".",     "a..b",      "a.",    ".a",  "-a",  "a-",  "a_b",    "a b",
        "a:80",  "1.2.3", "999.1.1.1", "a.123", "[",   "[]",  "]",   "[::1]]", "[[::1]]",
        "[::g]", "::1",   "fe80::1",   "1::2",  "a/b", "a@b", "a\tb"}) {
    EXPECT_FALSE(is_valid_host(host)) << host;
  }
}

TEST(HostPort, SplitsAHostHeader) {
  PROVES("F047");
  const auto with = HostPort::parse("A.Example:8080");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->host, "a.example");
  EXPECT_EQ(with->port, 8080);
  EXPECT_EQ(HostPort::parse("[2001:DB8::1]")->host, "[2001:db8::1]");
  EXPECT_EQ(HostPort::parse("[::1]:9")->port, 9);
  EXPECT_FALSE(HostPort::parse("a")->port);
  for (const std::string_view bad :
       {"", ":80", "a:", "a:0", "a:65536", "a:1:2", "a:+1", "a: 1", "a/", "a,b", "a, b", "u@a",
        "[::1", "[::1]80", "[::1]:", "::1", "2001:db8::1:80", "a\r\nX: y"}) {
    EXPECT_FALSE(HostPort::parse(bad)) << bad;
  }
}

TEST(Hosts, AreOfOneSiteWhereOneLiesUnderTheOther) {
  EXPECT_TRUE(same_site_hosts("a.com", "a.com"));
  EXPECT_TRUE(same_site_hosts("a.com", "x.a.com"));
  EXPECT_TRUE(same_site_hosts("x.y.a.com", "a.com"));
  EXPECT_TRUE(same_site_hosts("localhost", "127.0.0.1"));
  EXPECT_FALSE(same_site_hosts("x.a.com", "y.a.com"));
  EXPECT_FALSE(same_site_hosts("a.com", "xa.com"));
  EXPECT_FALSE(same_site_hosts("localhost", "a.com"));
}

TEST(Hosts, LoopbackIsLocalhostOrALoopbackAddress) {
  for (const char* host : {"localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"", "localhost.com", "notlocalhost", "127.0.0.1.com", "128.0.0.1",
                           "[::2]", "10.0.0.1", "127.1"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace portcullis

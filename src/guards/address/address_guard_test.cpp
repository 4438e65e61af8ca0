#include "guards/address/address_guard.hpp"

#include <memory>
#include <set>
#include <string>

#include "config/loader.hpp"
#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

constexpr const char* kProxy = "10.0.0.1";

class AddressGuardTest : public testing::Test {
 protected:
  AddressGuardTest() { settings_.trusted_proxies = {*Cidr::parse("10.0.0.0/8")}; }

  /// What the guard makes of a request from `peer` with these headers.
  http::Client client(const std::string& fields, const char* peer = kProxy) {
    const auto guard = make_address_guard(settings_, warning_);
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.client.peer = exchange.client.address = *IpAddress::parse(peer);
    auto decision = guard->on_request(exchange);
    EXPECT_TRUE(decision.ready());
    EXPECT_EQ(decision.value()->kind, pipeline::Verdict::Kind::pass) << "it refuses nobody";
    EXPECT_TRUE(ids_.insert(std::string(exchange.request_id.view())).second);
    return exchange.client;
  }
  std::string address(const std::string& fields, const char* peer = kProxy) {
    return client(fields, peer).address.text();
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  observe::Log log_{observe::Level::critical, observe::LogFormat::json, clock_};
  ForwardingWarning warning_{log_};
  config::Settings settings_;
  std::set<std::string> ids_;
};

TEST_F(AddressGuardTest, WithoutForwardingThePeerIsTheVisitor) {
  PROVES("F151");
  EXPECT_EQ(address("", "203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(address(""), kProxy);
  EXPECT_EQ(address("X-Request-ID: theirs\r\n"), kProxy);
  EXPECT_FALSE(ids_.contains("theirs"));
  EXPECT_FALSE(warning_.seen());
}

TEST_F(AddressGuardTest, AStrangerCannotSpeakForOthers) {
  for (const char* fields :
       {"X-Forwarded-For: 1.2.3.4\r\n", "Forwarded: for=1.2.3.4;proto=https\r\n",
        "X-Forwarded-Proto: https\r\n", "X-Real-IP: 1.2.3.4\r\n"}) {
    const auto seen = client(fields, "203.0.113.7");
    EXPECT_EQ(seen.address.text(), "203.0.113.7") << fields;
    EXPECT_FALSE(seen.https) << fields;
    EXPECT_TRUE(seen.forwarded_by_stranger) << fields;
  }
  EXPECT_TRUE(warning_.seen());
  EXPECT_EQ(warning_.peer(), "203.0.113.7");
}

TEST_F(AddressGuardTest, TheRightMostHopThatIsNotTrustedIsTheVisitor) {
  EXPECT_EQ(address("X-Forwarded-For: 203.0.113.7\r\n"), "203.0.113.7");
  EXPECT_EQ(address("X-Forwarded-For: 1.1.1.1, 203.0.113.7\r\n"), "203.0.113.7");
  EXPECT_EQ(address("X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.9.9.9\r\n"), "203.0.113.7");
  EXPECT_EQ(address("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.7\r\n"), "203.0.113.7");
  EXPECT_EQ(address("X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n"), "10.1.1.1") << "all are ours";
  EXPECT_EQ(address("X-Forwarded-For: 203.0.113.7:4711\r\n"), "203.0.113.7");
  EXPECT_EQ(address("X-Forwarded-For: [2001:db8::1]:4711\r\n"), "2001:db8::1");
  EXPECT_EQ(address("X-Forwarded-For: 2001:db8::1\r\n"), "2001:db8::1");
}

TEST_F(AddressGuardTest, AHopThatIsNoAddressEndsTheSearch) {
  EXPECT_EQ(address("X-Forwarded-For: unknown\r\n"), kProxy);
  EXPECT_EQ(address("X-Forwarded-For: 1.1.1.1, nonsense, 10.2.2.2\r\n"), "10.2.2.2");
  EXPECT_EQ(address("X-Forwarded-For: ,\r\n"), kProxy);
}

TEST_F(AddressGuardTest, UnderstandsForwardedWhereProxiesWriteIt) {
  settings_.forwarded_header = config::ForwardedHeader::forwarded;
  EXPECT_EQ(address("Forwarded: for=203.0.113.7;proto=https;by=10.0.0.1\r\n"), "203.0.113.7");
  EXPECT_EQ(address("Forwarded: for=1.1.1.1, For=\"[2001:db8::7]:80\"\r\n"), "2001:db8::7");
  EXPECT_EQ(address("Forwarded: for=_hidden\r\n"), kProxy);
  EXPECT_EQ(address("Forwarded: by=1.2.3.4\r\n"), kProxy);
  EXPECT_TRUE(client("Forwarded: for=203.0.113.7;proto=https\r\n").https);
  EXPECT_FALSE(client("Forwarded: for=203.0.113.7;proto=http\r\n").https);
  EXPECT_FALSE(client("Forwarded: proto=https, for=203.0.113.7;proto=http\r\n").https)
      << "the nearest proxy knows";
  EXPECT_EQ(address("Forwarded: for=1.2.3.4\r\n", "203.0.113.7"), "203.0.113.7");
}

TEST_F(AddressGuardTest, TheHeaderThatTheProxiesDoNotWriteIsTheVisitorsAndIgnored) {
  for (const char* forged : {"Forwarded: for=1.1.1.1;proto=https\r\n", "Forwarded: nonsense\r\n"}) {
    const auto seen = client(std::string(forged) + "X-Forwarded-For: 203.0.113.7\r\n");
    EXPECT_EQ(seen.address.text(), "203.0.113.7") << forged;
    EXPECT_FALSE(seen.https) << forged;
    EXPECT_EQ(address(forged), kProxy) << "alone, too";
  }
  EXPECT_TRUE(client("Forwarded: proto=http\r\nX-Forwarded-Proto: https\r\n").https);
  settings_.forwarded_header = config::ForwardedHeader::forwarded;
  for (const char* forged : {"X-Forwarded-For: 1.1.1.1\r\n", "X-Forwarded-For: nonsense\r\n"}) {
    EXPECT_EQ(address(std::string(forged) + "Forwarded: for=203.0.113.7\r\n"), "203.0.113.7");
    EXPECT_EQ(address(forged), kProxy);
  }
  EXPECT_FALSE(client("X-Forwarded-Proto: https\r\n").https);
  EXPECT_FALSE(client("Forwarded: proto=http\r\nX-Forwarded-Proto: https\r\n").https);
}

TEST_F(AddressGuardTest, TheSchemeIsTheLastWordOfTheProxies) {
  EXPECT_TRUE(client("X-Forwarded-Proto: https\r\n").https);
  EXPECT_TRUE(client("X-Forwarded-Proto: HTTPS\r\n").https);
  EXPECT_FALSE(client("X-Forwarded-Proto: https, http\r\n").https);
  EXPECT_FALSE(client("X-Forwarded-Proto: httpsx\r\n").https);
}

TEST_F(AddressGuardTest, OneNamedHeaderCarriesTheAddressAlone) {
  settings_.client_address_header = "CF-Connecting-IP";
  EXPECT_EQ(address("CF-Connecting-IP: 203.0.113.7\r\nX-Forwarded-For: 1.1.1.1\r\n"),
            "203.0.113.7");
  EXPECT_EQ(address("CF-Connecting-IP: 203.0.113.7\r\n", "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(address("CF-Connecting-IP: nonsense\r\n"), kProxy);
  EXPECT_NE(address("CF-Connecting-IP: 1.1.1.1\r\nCF-Connecting-IP: 2.2.2.2\r\n"), "1.1.1.1")
      << "twice is no answer";
}

TEST_F(AddressGuardTest, AStrangerThatSendsTheNamedHeaderIsReportedToo) {
  EXPECT_EQ(address("CF-Connecting-IP: 1.1.1.1\r\n", "203.0.113.7"), "203.0.113.7");
  EXPECT_FALSE(warning_.seen()) << "nobody named that header";
  settings_.client_address_header = "CF-Connecting-IP";
  EXPECT_TRUE(client("CF-Connecting-IP: 1.1.1.1\r\n", "203.0.113.7").forwarded_by_stranger);
  EXPECT_EQ(warning_.peer(), "203.0.113.7");
}

}  // namespace
}  // namespace portcullis::guards

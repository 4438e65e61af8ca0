#include "guards/host/host_guard.hpp"

#include <string>

#include "config/loader.hpp"
#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

class HostGuardTest : public testing::Test {
 protected:
  HostGuardTest() {
    settings_.profile = config::Profile::production;
    settings_.public_url = "https://chat.example.com/";
    settings_.allowed_hosts = {"gateway.internal"};
    config::SiteSettings site;
    site.origins = {*OriginPattern::parse("https://www.example.org"),
                    *OriginPattern::parse("https://*.shops.example"), *OriginPattern::parse("*")};
    settings_.sites = {site};
  }
  pipeline::Verdict decide(const std::string& host, const std::string& line = "GET /a?b HTTP/1.1",
                           bool https = true) {
    http::MemoryExchange exchange(worker_, line + "\r\nHost: " + host + "\r\n\r\n");
    exchange.client.https = https;
    exchange.route = &route_;
    auto decision = make_host_guard(settings_)->on_request(exchange);
    return *decision.value();
  }
  bool passes(const std::string& host) {
    const auto verdict = decide(host);
    if (verdict.kind != pipeline::Verdict::Kind::pass) {
      EXPECT_EQ(verdict.problem.code, http::Code::invalid_host) << host;
    }
    return verdict.kind == pipeline::Verdict::Kind::pass;
  }

  net::Worker worker_{0};
  pipeline::Route route_;
  config::Settings settings_;
};

TEST_F(HostGuardTest, PassesTheHostsOfThisGateway) {
  PROVES("F047");
  for (const char* host : {"chat.example.com", "CHAT.example.com:8443", "gateway.internal",
                           "www.example.org", "a.shops.example"}) {
    EXPECT_TRUE(passes(host)) << host;
  }
}

TEST_F(HostGuardTest, RefusesEveryOtherHost) {
  PROVES("F047");
  for (const char* host :
       {"evil.com", "chat.example.com.evil.com", "evilchat.example.com", "example.com", "",
        "shops.example", "localhost", "127.0.0.1", "chat.example.com:", "chat.example.com:x",
        "u@chat.example.com", "chat.example.com/x", "chat.example.com, evil.com",
        "chat.example.com.", "[::1]"}) {
    EXPECT_FALSE(passes(host)) << host;
  }
}

TEST_F(HostGuardTest, DevelopmentAnswersToLoopbackNames) {
  settings_.profile = config::Profile::development;
  for (const char* host : {"localhost:8000", "127.0.0.1", "[::1]:8000", "x.localhost"})
    EXPECT_TRUE(passes(host)) << host;
  EXPECT_FALSE(passes("evil.com"));
  EXPECT_FALSE(passes("127.0.0.1.evil.com"));
}

TEST_F(HostGuardTest, ProbesMayCarryAnyHost) {
  route_.cls = pipeline::RouteClass::probe;
  EXPECT_TRUE(passes("10.1.2.3:8000"));
}

TEST_F(HostGuardTest, PlainHttpIsRedirectedOrRefusedWhereHttpsIsRequired) {
  PROVES("F150");
  settings_.require_https = true;
  const auto get = decide("chat.example.com:8000", "GET /a?b=c HTTP/1.1", false);
  EXPECT_EQ(get.problem.code, http::Code::permanent_redirect);
  EXPECT_EQ(get.problem.location, "https://chat.example.com/a?b=c");
  EXPECT_EQ(decide("chat.example.com", "HEAD /a HTTP/1.1", false).problem.location,
            "https://chat.example.com/a");
  EXPECT_EQ(decide("chat.example.com", "POST /a HTTP/1.1", false).problem.code,
            http::Code::https_required);
  EXPECT_EQ(decide("chat.example.com").kind, pipeline::Verdict::Kind::pass);
  // Nobody is sent to a host that is not ours.
  EXPECT_EQ(decide("evil.com", "GET / HTTP/1.1", false).problem.code, http::Code::invalid_host);
  route_.cls = pipeline::RouteClass::probe;
  EXPECT_EQ(decide("chat.example.com", "GET / HTTP/1.1", false).kind,
            pipeline::Verdict::Kind::pass);
}

}  // namespace
}  // namespace portcullis::guards

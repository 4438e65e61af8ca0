#include "guards/origin/origin_guard.hpp"

#include <string>

#include "config/loader.hpp"
#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

using pipeline::RouteKind;

class OriginGuardTest : public testing::Test {
 protected:
  OriginGuardTest() {
    settings_.public_url = "https://chat.example.com";
    sites_.push_back({0, "default", {*OriginPattern::parse("https://www.example.com")}, {}});
    sites_.push_back({1, "shop", {*OriginPattern::parse("https://*.shop.example")}, {}});
  }
  struct Seen {
    bool passed = false;
    std::string site;
    std::string origin;
  };
  Seen decide(const std::string& fields, RouteKind kind = RouteKind::browser,
              const std::string& host = "chat.example.com") {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
    route_.kind = kind;
    exchange.route = &route_;
    exchange.site = sites_.data();
    const auto guard = make_origin_guard(settings_, sites_);
    auto decision = guard->on_request(exchange);
    const auto& verdict = *decision.value();
    if (verdict.kind != pipeline::Verdict::Kind::pass) {
      EXPECT_EQ(verdict.problem.code, http::Code::invalid_origin);
      return {};
    }
    return {true, exchange.site->id, exchange.origin ? exchange.origin->text() : ""};
  }
  bool passes(const std::string& fields, RouteKind kind = RouteKind::browser) {
    return decide(fields, kind).passed;
  }

  net::Worker worker_{0};
  config::Settings settings_;
  std::vector<pipeline::Site> sites_;
  pipeline::Route route_;
};

TEST_F(OriginGuardTest, AnAllowedOriginDecidesTheSite) {
  PROVES("F045,F049");
  const auto main = decide("Origin: https://www.example.com\r\n");
  EXPECT_TRUE(main.passed);
  EXPECT_EQ(main.site, "default");
  EXPECT_EQ(main.origin, "https://www.example.com");
  EXPECT_EQ(decide("Origin: https://a.shop.example\r\n").site, "shop");
  EXPECT_EQ(decide("Origin: https://chat.example.com\r\n").site, "default") << "its own";
}

TEST_F(OriginGuardTest, EveryOtherOriginIsRefused) {
  PROVES("F045");
  for (const char* origin :
       {"null", "https://evil.com", "http://www.example.com", "https://www.example.com:8443",
        "https://www.example.com.evil.com", "https://example.com", "https://shop.example",
        "https://www.example.com/", "", "*", "https://www.example.com https://evil.com"}) {
    EXPECT_FALSE(passes("Origin: " + std::string(origin) + "\r\n")) << origin;
    EXPECT_FALSE(passes("Origin: " + std::string(origin) + "\r\n", RouteKind::anonymous)) << origin;
  }
  EXPECT_FALSE(passes("Origin: https://www.example.com\r\nOrigin: https://evil.com\r\n"));
  EXPECT_FALSE(passes("Origin: https://evil.com\r\nReferer: https://www.example.com/\r\n"))
      << "a Referer mends no Origin";
}

TEST_F(OriginGuardTest, WithoutOriginARefererOfAnAllowedOriginServes) {
  PROVES("F046");
  EXPECT_EQ(decide("Referer: https://www.example.com/page?x=https://evil.com\r\n").origin,
            "https://www.example.com");
  for (const char* referer : {"https://evil.com/https://www.example.com/", "about:blank", "",
                              "https://www.example.com@evil.com/", "/page"}) {
    EXPECT_FALSE(passes("Referer: " + std::string(referer) + "\r\n")) << referer;
  }
}

TEST_F(OriginGuardTest, ABrowserRouteNeedsProof) {
  PROVES("F045");
  EXPECT_FALSE(passes(""));
  EXPECT_TRUE(passes("Sec-Fetch-Site: same-origin\r\n"));
  EXPECT_FALSE(passes("Sec-Fetch-Site: same-site\r\n"));
  EXPECT_FALSE(passes("Sec-Fetch-Site: cross-site\r\n"));
  EXPECT_FALSE(passes("Sec-Fetch-Site: none\r\n"));
  EXPECT_TRUE(passes("Origin: https://www.example.com\r\nSec-Fetch-Site: cross-site\r\n"))
      << "an embedded widget";
}

TEST_F(OriginGuardTest, NavigationsAndSubresourcesAreRefused) {
  const std::string origin = "Origin: https://www.example.com\r\n";
  EXPECT_FALSE(passes(origin + "Sec-Fetch-Mode: navigate\r\n"));
  for (const char* destination : {"document", "iframe", "image", "script", "object"})
    EXPECT_FALSE(passes(origin + "Sec-Fetch-Dest: " + destination + "\r\n")) << destination;
  EXPECT_TRUE(passes(origin + "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"));
}

TEST_F(OriginGuardTest, OtherRoutesNeedNone) {
  EXPECT_TRUE(passes("", RouteKind::anonymous));
  EXPECT_TRUE(passes("", RouteKind::token));
  EXPECT_TRUE(passes("Origin: https://evil.com\r\n", RouteKind::token));
  EXPECT_TRUE(passes("Sec-Fetch-Mode: navigate\r\n", RouteKind::anonymous));
}

TEST_F(OriginGuardTest, InDevelopmentALoopbackOriginEqualToTheHostIsOwn) {
  settings_.public_url.clear();
  const std::string origin = "Origin: http://localhost:8000\r\n";
  EXPECT_TRUE(decide(origin, RouteKind::browser, "localhost:8000").passed);
  EXPECT_FALSE(decide(origin, RouteKind::browser, "localhost:9000").passed);
  EXPECT_FALSE(decide(origin, RouteKind::browser, "127.0.0.1:8000").passed);
  EXPECT_FALSE(decide("Origin: http://evil.com\r\n", RouteKind::browser, "evil.com").passed);
  settings_.profile = config::Profile::production;
  EXPECT_FALSE(decide(origin, RouteKind::browser, "localhost:8000").passed);
}

}  // namespace
}  // namespace portcullis::guards

#include "pipeline/response_filters.hpp"

#include <string>

#include "base/text.hpp"
#include "config/loader.hpp"
#include "http/fields.hpp"
#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::pipeline {
namespace {

using config::Profile;

class ResponseFiltersTest : public testing::Test {
 protected:
  ResponseFiltersTest() {
    config::Sources sources;
    sources.environment = [](const std::string&) { return std::nullopt; };
    settings_ = config::load(sources).settings;
    exchange_.route = &route_;
  }
  /// The headers of an answer that had these before.
  http::HeaderBlock filtered(http::HeaderBlock before = {}) {
    http::ResponseHead head;
    head.headers = std::move(before);
    ResponseFilters(settings_).apply(exchange_, head);
    return head.headers;
  }
  std::string policy() { return std::string(filtered().find("Content-Security-Policy")); }

  net::Worker worker_{0};
  Route route_;
  config::Settings settings_;
  http::MemoryExchange exchange_{worker_,
                                 "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.com\r\n\r\n"};
};

TEST_F(ResponseFiltersTest, SendsTheSecurityHeaders) {
  PROVES("F039,F040,F041,F042,F153,F154");
  const auto headers = filtered();
  EXPECT_EQ(headers.find("X-Frame-Options"), "DENY");
  EXPECT_EQ(headers.find("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(headers.find("X-XSS-Protection"), "1; mode=block");
  EXPECT_EQ(headers.find("Referrer-Policy"), "strict-origin-when-cross-origin");
  EXPECT_EQ(headers.find("Cross-Origin-Embedder-Policy"), "require-corp");
  EXPECT_EQ(headers.find("Cross-Origin-Resource-Policy"), "same-origin");
  for (const char* feature : {"accelerometer", "camera", "geolocation", "gyroscope", "magnetometer",
                              "microphone", "payment", "usb"}) {
    EXPECT_NE(headers.find("Permissions-Policy").find(std::string(feature) + "=()"),
              std::string_view::npos)
        << feature;
  }
  EXPECT_FALSE(headers.contains("Server"));
}

TEST_F(ResponseFiltersTest, PacksWholeAnswersWhereTheRouteSaysSoAlone) {
  PROVES("F126");
  http::MemoryExchange asks(worker_, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
  asks.route = &route_;
  const std::string text(5000, 'x');
  const auto filtered_of = [&](http::Exchange& exchange, std::uint16_t status, std::string body) {
    auto response = http::Response::text(status, "text/plain", std::move(body));
    ResponseFilters(settings_).apply_whole(exchange, response);
    return response;
  };
  EXPECT_EQ(filtered_of(asks, 200, text).body, text) << "opt in";
  route_.packs_answers = true;
  const auto packed = filtered_of(asks, 200, text);
  EXPECT_LT(packed.body.size(), 100U);
  EXPECT_EQ(packed.headers.find("Content-Encoding"), "gzip");
  EXPECT_TRUE(http::has_token(packed.headers, "Vary", "Accept-Encoding"));
  EXPECT_TRUE(http::has_token(packed.headers, "Vary", "Origin"));
  const auto plain = filtered_of(exchange_, 200, text);
  EXPECT_EQ(plain.body, text) << "of one who has not said that he unpacks";
  EXPECT_TRUE(http::has_token(plain.headers, "Vary", "Accept-Encoding"));
  EXPECT_EQ(filtered_of(asks, 200, "short").body, "short");
  EXPECT_EQ(filtered_of(asks, 403, text).body, text) << "refusals have ids in them";
}

TEST_F(ResponseFiltersTest, SaysWithWhatItVariesBesideWhatTheAnswerSays) {
  const auto varies = [&](const char* before) {
    http::HeaderBlock fields;
    fields.add("vary", before);
    std::string out;
    filtered(fields).for_each([&](std::string_view name, std::string_view value) {
      if (text::iequals(name, "vary")) (out += value) += ';';
    });
    return out;
  };
  EXPECT_EQ(varies("Accept-Language"), "Accept-Language;Origin;");
  EXPECT_EQ(varies("Accept, origin"), "Accept, origin;");
  EXPECT_EQ(varies("*"), "*;");
}

TEST_F(ResponseFiltersTest, EachProfileHasItsPolicy) {
  PROVES("F043,F146,F147,F148");
  settings_.profile = Profile::development;
  EXPECT_NE(policy().find("'unsafe-inline'"), std::string::npos);
  for (const auto profile : {Profile::staging, Profile::production}) {
    settings_.profile = profile;
    EXPECT_EQ(policy().find("unsafe"), std::string::npos);
    EXPECT_NE(policy().find("default-src 'self'"), std::string::npos);
    EXPECT_NE(policy().find("script-src 'self'"), std::string::npos);
    EXPECT_NE(policy().find("object-src 'none'"), std::string::npos);
    EXPECT_NE(policy().find("frame-ancestors 'none'"), std::string::npos);
  }
}

TEST_F(ResponseFiltersTest, APageHasTheNonceOfItsOwnAnswer) {
  PROVES("F155");
  settings_.profile = Profile::production;
  route_.headers = HeaderPolicy::page;
  exchange_.csp_nonce = "bm9uY2U";
  EXPECT_NE(policy().find("'nonce-bm9uY2U'"), std::string::npos);
  exchange_.csp_nonce = "b3RoZXI";
  EXPECT_NE(policy().find("'nonce-b3RoZXI'"), std::string::npos);
  EXPECT_EQ(policy().find("bm9uY2U"), std::string::npos);
}

TEST_F(ResponseFiltersTest, HstsIsForProductionOverHttps) {
  PROVES("F044,F149,F219");
  const auto hsts = [&](Profile profile, bool https) {
    settings_.profile = profile;
    exchange_.client.https = https;
    return std::string(filtered().find("Strict-Transport-Security"));
  };
  EXPECT_EQ(hsts(Profile::production, true), "max-age=31536000; includeSubDomains; preload");
  EXPECT_EQ(hsts(Profile::production, false), "");
  EXPECT_EQ(hsts(Profile::staging, true), "");
  settings_.hsts_enabled = false;
  EXPECT_EQ(hsts(Profile::production, true), "");
}

TEST_F(ResponseFiltersTest, AFreshTokenGoesOutWithAnyAnswerButOneThatSetsTheCookieItself) {
  exchange_.fresh_token.add("Set-Cookie", "chat=fresh");
  EXPECT_EQ(filtered().find("Set-Cookie"), "chat=fresh");
  http::HeaderBlock destroyed;
  destroyed.add("Set-Cookie", "chat=; Max-Age=0");
  const auto headers = filtered(std::move(destroyed));
  EXPECT_EQ(headers.find("Set-Cookie"), "chat=; Max-Age=0");
  EXPECT_EQ(headers.text().find("fresh"), std::string_view::npos);
}

TEST_F(ResponseFiltersTest, SwitchesTakeHeadersAway) {
  PROVES("F219");
  settings_.csp_enabled = false;
  EXPECT_EQ(policy(), "");
  settings_.security_headers = false;
  const auto headers = filtered();
  EXPECT_FALSE(headers.contains("X-Frame-Options"));
  EXPECT_TRUE(headers.contains("X-Request-ID"));
}

TEST_F(ResponseFiltersTest, OnlyAnAllowedOriginIsToldSo) {
  PROVES("F045,F050");
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Origin"));
  EXPECT_EQ(filtered().find("Vary"), "Origin");
  exchange_.origin = Origin::parse("https://a.com");
  const auto headers = filtered();
  EXPECT_EQ(headers.find("Access-Control-Allow-Origin"), "https://a.com");
  EXPECT_EQ(headers.find("Access-Control-Allow-Credentials"), "true");
  EXPECT_NE(headers.find("Access-Control-Expose-Headers").find("Retry-After"),
            std::string_view::npos);
  settings_.cors_allow_credentials = false;
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Credentials"));
  route_.kind = RouteKind::token;
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Origin"));
}

TEST_F(ResponseFiltersTest, APageOfASiteCanReadARefusalThatCameBeforeItsOriginWasLookedAt) {
  settings_.sites.resize(1);
  settings_.sites[0].origins = {*OriginPattern::parse("https://a.com")};
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Origin")) << "an answer is no refusal";
  exchange_.error_code = "ADDRESS_BLOCKED";
  EXPECT_EQ(filtered().find("Access-Control-Allow-Origin"), "https://a.com");
  exchange_.refused_by = "origin";
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Origin")) << "that guard meant it";
  exchange_.refused_by = "blocks";
  settings_.sites[0].origins = {*OriginPattern::parse("https://b.com")};
  EXPECT_FALSE(filtered().contains("Access-Control-Allow-Origin"));
}

TEST_F(ResponseFiltersTest, ShowsTheTierThatDecided) {
  PROVES("F011");
  EXPECT_FALSE(filtered().contains("X-RateLimit-Limit"));
  exchange_.limit_state = {"address-minute", 60, 12, 60, 34};
  const auto headers = filtered();
  EXPECT_EQ(headers.find("X-RateLimit-Limit"), "60");
  EXPECT_EQ(headers.find("X-RateLimit-Remaining"), "12");
  EXPECT_EQ(headers.find("X-RateLimit-Reset"),
            std::to_string(epoch_seconds(exchange_.started_wall()) + 34));
  EXPECT_EQ(headers.find("RateLimit-Policy"), "\"address-minute\";q=60;w=60");
  EXPECT_EQ(headers.find("RateLimit"), "\"address-minute\";r=12;t=34");
}

TEST_F(ResponseFiltersTest, KeepsWhatTheHandlerDecided) {
  http::HeaderBlock before;
  before.add("Cache-Control", "max-age=300");
  before.add("Vary", "Accept");
  const auto headers = filtered(before);
  EXPECT_EQ(headers.find("Cache-Control"), "max-age=300");
  EXPECT_EQ(headers.find("Vary"), "Accept");
  EXPECT_EQ(filtered().find("Cache-Control"), "no-store");
}

TEST_F(ResponseFiltersTest, AssetsMayBeLoadedByOtherSites) {
  route_.headers = HeaderPolicy::asset;
  EXPECT_EQ(filtered().find("Cross-Origin-Resource-Policy"), "cross-origin");
}

TEST_F(ResponseFiltersTest, AnAnswerWithoutARouteIsFilteredToo) {
  exchange_.route = nullptr;
  EXPECT_EQ(filtered().find("X-Content-Type-Options"), "nosniff");
}

}  // namespace
}  // namespace portcullis::pipeline

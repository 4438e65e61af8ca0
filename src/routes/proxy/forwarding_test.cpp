#include "routes/proxy/forwarding.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "default_settings.hpp"
#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"

namespace portcullis::routes {
namespace {

class ForwardingTest : public testing::Test {
 protected:
  ForwardingTest() { site_.id = "shop"; }

  std::string head(
      const std::string& fields,
      const std::function<void(http::Exchange&)>& change = [](auto&) {}) {
    http::MemoryExchange exchange(
        worker_, "GET /a?q=1 HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n");
    EXPECT_FALSE(exchange.framing_error());
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    change(exchange);
    http::HeaderBlock own;
    own.add("X-Own", "1");
    return Forwarding(settings_).request_head(exchange, "/b", "service:80", own);
  }
  static bool has(const std::string& head, const std::string& line) {
    return head.find(line + "\r\n") != std::string::npos;
  }
  http::HeaderBlock answer(std::initializer_list<std::pair<std::string_view, std::string_view>> f) {
    http::ResponseHeadView view;
    for (const auto& [name, value] : f) view.fields.add(name, value);
    return Forwarding(settings_).answer_fields(view);
  }

  net::Worker worker_{0};
  config::Settings settings_ = default_settings();
  pipeline::Route route_;
  pipeline::Site site_;
};

TEST_F(ForwardingTest, TheServiceIsAskedForItsOwnPathAndName) {
  const auto out = head("Accept: text/html\r\n");
  EXPECT_TRUE(out.starts_with("GET /b?q=1 HTTP/1.1\r\nHost: service:80\r\n")) << out;
  EXPECT_TRUE(has(out, "Accept: text/html"));
  EXPECT_TRUE(has(out, "X-Own: 1"));
  EXPECT_TRUE(has(out, "X-Forwarded-Host: shop.example"));
  EXPECT_TRUE(has(out, "Forwarded: for=203.0.113.7;proto=http;host=\"shop.example\""));
  const auto v6 = head("", [](auto& e) { e.client.address = *IpAddress::parse("2001:db8::7"); });
  EXPECT_TRUE(has(v6, "Forwarded: for=\"[2001:db8::7]\";proto=http;host=\"shop.example\""));
}

TEST_F(ForwardingTest, FieldsOfTheConnectionEndHere) {
  const auto out = head(
      "Connection: keep-alive, X-One\r\nConnection: x-two\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n"
      "Keep-Alive: timeout=5\r\nProxy-Authorization: Basic x\r\nTE: trailers\r\nUpgrade: h2c\r\n");
  for (const auto* gone :
       {"X-One", "X-Two", "Keep-Alive", "Proxy-", "TE:", "Upgrade", "Connection"}) {
    EXPECT_EQ(out.find(gone), std::string::npos) << gone;
  }
  EXPECT_TRUE(has(out, "X-Three: 3"));
}

TEST_F(ForwardingTest, CredentialsOfTheGatewayStayHere) {
  const std::string shown =
      "Authorization: Bearer t\r\nX-API-Key: k\r\nDPoP: p\r\n"
      "Cookie: a=1; chat_session_id=s\r\nCookie: portcullis_refresh=r; b=2\r\n";
  auto out = head(shown);
  for (const auto* gone : {"Authorization", "X-API-Key", "DPoP", "chat_session_id", "refresh"}) {
    EXPECT_EQ(out.find(gone), std::string::npos) << gone;
  }
  EXPECT_TRUE(has(out, "Cookie: a=1; b=2"));
  for (auto& guard : route_.guards) guard.mode = config::Mode::off;
  out = head(shown);
  EXPECT_TRUE(has(out, "Authorization: Bearer t"))
      << "where the gateway looks at none, they are the service's";
  EXPECT_EQ(out.find("chat_session_id"), std::string::npos);
}

TEST_F(ForwardingTest, SaysWhoIsCallingForTheSiteAtHand) {
  route_.access.needed = true;
  const auto out = head("X-Portcullis-User: root\r\nX-Portcullis-Roles: admin\r\n", [](auto& e) {
    e.principal.kind = http::Principal::Kind::user;
    e.principal.id = "ann";
    e.principal.grants = {
        {http::Role::viewer, "*"}, {http::Role::operator_, "shop"}, {http::Role::admin, "blog"}};
  });
  EXPECT_TRUE(has(out, "X-Portcullis-User: ann"));
  EXPECT_TRUE(has(out, "X-Portcullis-Roles: viewer,operator"));
  EXPECT_TRUE(has(out, "X-Portcullis-Site: shop"));
  EXPECT_EQ(out.find("root"), std::string::npos);
  EXPECT_EQ(head("X-Portcullis-User: root\r\n").find("X-Portcullis-User"), std::string::npos);
}

TEST_F(ForwardingTest, NobodyPassesForSomebodyElse) {
  const auto out = head(
      "X_Portcullis_User: root\r\nX-Portcullis_Roles: admin\r\nX_Forwarded_For: 1.2.3.4\r\n"
      "X-Original-URL: /admin\r\nX-HTTP-Method-Override: DELETE\r\nTrue-Client-IP: 1.2.3.4\r\n"
      "x-own: mine\r\n");
  for (const auto* gone : {"root", "admin", "1.2.3.4", "DELETE", "mine"}) {
    EXPECT_EQ(out.find(gone), std::string::npos) << gone;
  }
  const auto named =
      head("Connection: Content-Type, X-Hop\r\nContent-Type: application/json\r\nX-Hop: 1\r\n");
  EXPECT_TRUE(has(named, "Content-Type: application/json")) << "what was judged goes on";
}

TEST_F(ForwardingTest, WhatWasUnpackedIsNotSaidToBePacked) {
  const std::string sent =
      "Content-Type: application/json\r\ncontent-encoding: gzip\r\nContent-MD5: x\r\n"
      "Content-Digest: y\r\nRepr-Digest: z\r\nDigest: d\r\n";
  EXPECT_TRUE(has(head(sent), "content-encoding: gzip")) << "of a body that nobody looked into";
  EXPECT_TRUE(has(head(sent), "Content-MD5: x"));
  const auto unpacked = head(sent, [](auto& e) { e.plain_body = true; });
  EXPECT_TRUE(has(unpacked, "Content-Type: application/json"));
  for (const auto* gone : {"encoding", "MD5", "Digest"}) {
    EXPECT_EQ(unpacked.find(gone), std::string::npos) << gone;
  }
  const auto never = head("Content-Encoding: identity\r\nContent-MD5: x\r\n",
                          [](auto& e) { e.plain_body = true; });
  EXPECT_TRUE(has(never, "Content-MD5: x")) << "the bytes are those that came";
  EXPECT_EQ(never.find("Encoding"), std::string::npos);
}

TEST_F(ForwardingTest, CookiesGoOnlyWhereTheirOriginIsLookedAt) {
  EXPECT_TRUE(has(head("Cookie: a=1\r\n"), "Cookie: a=1"));
  route_.kind = pipeline::RouteKind::token;
  EXPECT_EQ(head("Cookie: a=1\r\n").find("Cookie"), std::string::npos);
}

TEST_F(ForwardingTest, AnswersLoseWhatIsNotForClients) {
  const auto out = answer({{"Server", "x"},
                           {"connection", "X-Hop"},
                           {"Connection", "close, x-other"},
                           {"X-Hop", "1"},
                           {"X-Other", "1"},
                           {"Transfer-Encoding", "chunked"},
                           {"Content-Length", "3"},
                           {"X-Frame-Options", "ALLOWALL"},
                           {"access-control-allow-origin", "*"},
                           {"X-RateLimit-Limit", "7"},
                           {"Set-Cookie", "chat_session_id=x"},
                           {"Set-Cookie", "own=1"},
                           {"ETag", "e"}});
  EXPECT_EQ(out.text(), "Set-Cookie: own=1\r\nETag: e\r\n");
  settings_.security_headers = false;
  EXPECT_TRUE(answer({{"X-Frame-Options", "DENY"}}).contains("x-frame-options"));
}

TEST(PathFault, FindsWhatAnotherReaderCouldTakeForAnotherPath) {
  for (const auto* good : {"/", "/a", "/a/", "/a.b/..c", "/a%20b", "/caf%C3%A9", "/a/.hidden"}) {
    EXPECT_FALSE(path_fault(good)) << good;
  }
  for (const auto* bad :
       {"/..",     "/.",        "/a/../b",  "/a/./b",  "/a/..",   "/a//b",  "//a",
        "/a\\b",   "/%2e%2e/a", "/%2E/",    "/a%2fb",  "/a%2Fb",  "/a%5Cb", "/a%00",
        "/a%252e", "/a;v=1",    "/%61dmin", "/a%7e",   "/a%zz",   "/a%2",   "/a%3fx",
        "/a%23",   "/a%09",     "/a%20",    "/a/%20b", "/a/.;/b", "/a."}) {
    EXPECT_TRUE(path_fault(bad)) << bad;
  }
}

}  // namespace
}  // namespace portcullis::routes

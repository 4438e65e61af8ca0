#include "guards/credentials/credentials_guard.hpp"

#include <string>

#include "config/loader.hpp"
#include "http/memory_exchange.hpp"
#include "identity/session_tokens.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

using pipeline::RouteKind;

class CredentialsGuardTest : public testing::Test {
 protected:
  CredentialsGuardTest() { settings_.cookie_name = "my_chat"; }

  std::string token(bool bearer) const {
    http::SessionClaims claims;
    claims.id[0] = bearer ? 2 : 1;
    claims.bearer = bearer;
    return tokens_.issue(claims);
  }
  http::Principal principal(const std::string& fields, RouteKind kind = RouteKind::browser) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    route_.kind = kind;
    exchange.route = &route_;
    auto decision = make_credentials_guard(settings_, {.sessions = tokens_, .sites = sites_})
                        ->on_request(exchange);
    EXPECT_EQ(decision.value()->kind, pipeline::Verdict::Kind::pass) << "it refuses nobody";
    return exchange.principal;
  }
  static void expect_anonymous(const http::Principal& who, bool rejected) {
    EXPECT_EQ(who.kind, http::Principal::Kind::anonymous);
    EXPECT_FALSE(who.session);
    EXPECT_EQ(who.credential_rejected, rejected);
  }

  net::Worker worker_{0};
  config::Settings settings_;
  identity::SessionTokens tokens_{{"a secret of enough bytes for a test of guards"}};
  std::vector<pipeline::Site> sites_;
  pipeline::Route route_;
};

TEST_F(CredentialsGuardTest, WithoutACredentialTheCallerIsAnonymous) {
  expect_anonymous(principal(""), false);
  expect_anonymous(principal("Cookie: other=1\r\n"), false);
}

TEST_F(CredentialsGuardTest, TakesASessionFromItsCookieOrHeader) {
  PROVES("F036");
  const auto by_cookie = principal("Cookie: my_chat=" + token(false) + "\r\n");
  EXPECT_EQ(by_cookie.kind, http::Principal::Kind::session);
  EXPECT_EQ(by_cookie.session->id[0], 1);
  EXPECT_FALSE(by_cookie.credential_rejected);
  const auto by_header = principal("Authorization: Bearer " + token(true) + "\r\n");
  EXPECT_EQ(by_header.session->id[0], 2);
}

TEST_F(CredentialsGuardTest, ABearerTokenIsNoCookie) {
  expect_anonymous(principal("Cookie: my_chat=" + token(true) + "\r\n"), true);
}

TEST_F(CredentialsGuardTest, ACookieOfANeighbourDoesNotHideTheGenuineOne) {
  const auto who = principal("Cookie: my_chat=planted; my_chat=" + token(false) + "\r\n");
  EXPECT_EQ(who.kind, http::Principal::Kind::session);
  EXPECT_FALSE(who.credential_rejected);
}

TEST_F(CredentialsGuardTest, WhatDoesNotVerifyLeavesTheCallerAnonymousAndIsNoted) {
  for (const std::string& fields :
       {std::string("Cookie: my_chat=\r\n"), "Cookie: my_chat=" + token(false) + "x\r\n",
        std::string("Authorization: Bearer pcs_x\r\n"), std::string("Authorization: Bearer x\r\n"),
        std::string("Authorization: Basic eDp5\r\n"),
        "Authorization: Bearer " + token(true) + "\r\nAuthorization: Bearer x\r\n",
        "Authorization: Bearer x\r\nCookie: my_chat=" + token(false) + "\r\n"}) {
    expect_anonymous(principal(fields), true);
  }
}

TEST_F(CredentialsGuardTest, CookiesCountOnBrowserRoutesOnly) {
  for (const auto kind : {RouteKind::anonymous, RouteKind::token})
    expect_anonymous(principal("Cookie: my_chat=" + token(false) + "\r\n", kind), false);
  EXPECT_TRUE(principal("Authorization: Bearer " + token(true) + "\r\n", RouteKind::token).session);
}

}  // namespace
}  // namespace portcullis::guards

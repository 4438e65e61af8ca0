#include "guards/access/access_guard.hpp"

#include <gtest/gtest.h>

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

using http::Code;
using http::Role;
using http::Roles;
using Kind = http::Principal::Kind;
using pipeline::Verdict;

class AccessGuardTest : public testing::Test {
 protected:
  AccessGuardTest() {
    site_.id = "shop";
    route_.access.needed = true;
  }
  Verdict decide(const std::string& fields = "") {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.principal = principal_;
    exchange.decided_alone = alone_;
    if (blocked_) exchange.client.blocked_since = exchange.started_wall();
    auto decision = make_access_guard()->on_request(exchange);
    return *decision.value();
  }
  void expect_passed(const std::string& fields = "") {
    EXPECT_EQ(decide(fields).kind, Verdict::Kind::pass);
  }
  Verdict expect_refused(Code code, const std::string& fields = "") {
    auto verdict = decide(fields);
    EXPECT_EQ(verdict.kind, Verdict::Kind::refuse);
    EXPECT_EQ(verdict.problem.code, code);
    return verdict;
  }
  void be(Kind kind, std::vector<http::Grant> grants = {}) {
    principal_ = {};
    principal_.kind = kind;
    principal_.id = "somebody";
    principal_.grants = std::move(grants);
  }

  net::Worker worker_{0};
  pipeline::Site site_;
  pipeline::Route route_;
  http::Principal principal_;
  bool alone_ = false;
  bool blocked_ = false;
};

TEST_F(AccessGuardTest, RoutesForEverybodyPassEverybody) {
  route_.access = {};
  expect_passed();
  principal_.credential_rejected = true;
  expect_passed();
}

TEST_F(AccessGuardTest, NobodyAndAVisitorAreUnauthorized) {
  PROVES("F212");
  EXPECT_TRUE(expect_refused(Code::auth_failed).problem.bearer_error.empty());
  be(Kind::session);
  expect_refused(Code::auth_failed);
}

TEST_F(AccessGuardTest, WhatDoesNotVerifyIsToldToTheLogInDetailAndToTheClientInNone) {
  PROVES("F173,F178");
  principal_.credential_rejected = principal_.failed_login = true;
  principal_.fault = "JWT_008";
  const auto forged = expect_refused(Code::auth_failed);
  EXPECT_EQ(forged.problem.bearer_error, "invalid_token");
  EXPECT_TRUE(forged.problem.detail.empty());
  EXPECT_EQ(forged.incident.code, "AUTH_002");
  EXPECT_EQ(forged.incident.further_codes, std::vector<std::string>{"JWT_008"});
  EXPECT_EQ(forged.incident.level, audit::ThreatLevel::medium);
  principal_.failed_login = false;
  principal_.fault = "JWT_014 exp";
  const auto expired = expect_refused(Code::auth_failed);
  EXPECT_EQ(expired.incident.further_codes, std::vector<std::string>{"JWT_014"});
  EXPECT_EQ(expired.incident.level, audit::ThreatLevel::low) << "it was good once";
}

TEST_F(AccessGuardTest, ARoleIsNeededForTheSiteAtHand) {
  PROVES("F212");
  be(Kind::user, {{Role::viewer, "shop"}});
  expect_passed();
  route_.access.roles = Roles::from(Role::viewer);
  expect_passed();
  route_.access.roles = Roles::from(Role::admin);
  const auto refused = expect_refused(Code::forbidden);
  EXPECT_EQ(refused.incident.code, "AUTH_004");
  EXPECT_EQ(refused.incident.type, audit::EventType::authorization);
  be(Kind::user, {{Role::admin, "blog"}, {Role::viewer, "*"}});
  expect_refused(Code::forbidden);
  be(Kind::user, {{Role::admin, "shop"}});
  expect_passed();
  route_.access.every_site = true;
  expect_refused(Code::forbidden);
  be(Kind::user, {{Role::admin, "*"}});
  expect_passed();
}

TEST_F(AccessGuardTest, AnApiKeyIsAServiceOfItsSiteAndNoUser) {
  be(Kind::api_key, {{Role::service, "shop"}});
  expect_passed();
  route_.access.roles = Roles::from(Role::viewer);
  expect_refused(Code::forbidden);
  route_.access.roles = Roles::from(Role::viewer).with(Role::service);
  expect_passed();
  route_.access.user_only = true;
  expect_refused(Code::forbidden);
}

TEST_F(AccessGuardTest, TheLocationIsTheSiteThatTheCallerSpeaksFor) {
  be(Kind::api_key, {{Role::service, "shop"}});
  expect_passed("X-Location-ID: shop\r\n");
  expect_refused(Code::forbidden, "X-Location-ID: blog\r\n");
  expect_refused(Code::forbidden, "X-Location-ID: shop\r\nX-Location-ID: shop\r\n");
  route_.access.location = true;
  expect_refused(Code::auth_failed);
  expect_passed("X-Location-ID: shop\r\n");
  be(Kind::user, {{Role::viewer, "shop"}});
  expect_passed();
}

TEST_F(AccessGuardTest, WhereARevocationMayHaveBeenMissedNobodyIsLetIn) {
  be(Kind::user, {{Role::admin, "*"}});
  alone_ = true;
  expect_passed();
  route_.access.needs_shared_state = true;
  expect_refused(Code::state_unavailable);
  route_.access.needed = false;
  expect_refused(Code::state_unavailable);
  alone_ = false;
  expect_passed();
}

TEST_F(AccessGuardTest, BehindABlockOnlyAVerifiedCallerGoesOn) {
  blocked_ = true;
  be(Kind::user, {{Role::viewer, "*"}});
  expect_passed();
  principal_ = {};
  principal_.credential_rejected = true;
  expect_refused(Code::address_blocked);
}

}  // namespace
}  // namespace portcullis::guards

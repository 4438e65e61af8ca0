#include "guards/credentials/credentials_guard.hpp"

#include <string>

#include "config/loader.hpp"
#include "http/memory_exchange.hpp"
#include "identity/session_tokens.hpp"
#include "identity/sqlite_accounts.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"
#include "temporary_folder.hpp"

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

TEST_F(CredentialsGuardTest, NotesWhoPresentsASessionThatHasAnOwner) {
  const auto presenter = [&](const http::SessionClaims& claims) {
    http::MemoryExchange exchange(worker_,
                                  "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n"
                                  "Authorization: Bearer " +
                                      tokens_.issue(claims) + "\r\n\r\n");
    exchange.route = &route_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    (void)make_credentials_guard(settings_, {.sessions = tokens_, .sites = sites_})
        ->on_request(exchange);
    return std::pair{exchange.presenter,
                     tokens_.presenters().of(exchange.head(), exchange.client.address, claims)};
  };
  http::SessionClaims claims;
  EXPECT_FALSE(presenter(claims).first) << "a token of an older release";
  claims.owner.emplace();
  const auto [noted, expected] = presenter(claims);
  EXPECT_EQ(noted, expected);
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

/// With users and keys.
class CredentialsOfUsers : public testing::Test {
 protected:
  CredentialsOfUsers() {
    shop_.id = "shop";
    sites_ = {default_, shop_};
    sites_[0].id = "default";
    owner_ =
        store_->add_user({.name = "alice", .password_hash = "", .grants = {}}, now()).value()->id;
    route_.kind = RouteKind::token;
    directory_.set_known();
  }
  WallTime now() const { return worker_.clock().wall(); }

  std::string access_token(WallTime issued, Seconds life = Seconds{600}) {
    identity::UserClaims claims;
    claims.subject = owner_;
    claims.grants = {{http::Role::operator_, "shop"}};
    claims.family = "login";
    return users_.issue(identity::UserTokens::Use::access, claims, issued, life)->token;
  }
  std::string api_key(const std::string& site = "*", std::optional<WallTime> expires = {}) {
    identity::ApiKey wanted;
    wanted.name = "a key";
    wanted.owner = owner_;
    wanted.site = site;
    wanted.expires = expires;
    wanted.requests_per_minute = 7;
    auto minted = keys_.mint(wanted, now() - Seconds{60});
    EXPECT_TRUE(store_->add_api_key(minted.record).value());
    EXPECT_TRUE(directory_.renew(*store_));
    key_id_ = minted.record.id;
    return minted.text;
  }
  http::Principal principal(const std::string& fields) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.site = sites_.data();
    if (blocked_) exchange.client.blocked_since = now();
    const CredentialParts parts{.sessions = sessions_,
                                .users = &users_,
                                .keys = &keys_,
                                .directory = &directory_,
                                .sites = sites_};
    auto decision = make_credentials_guard(settings_, parts)->on_request(exchange);
    verdict_ = decision.value()->kind;
    site_ = exchange.site->id;
    return exchange.principal;
  }
  void expect_rejected(const std::string& fields, bool is_guess) {
    const auto who = principal(fields);
    EXPECT_EQ(who.kind, http::Principal::Kind::anonymous) << fields;
    EXPECT_TRUE(who.credential_rejected) << fields;
    EXPECT_EQ(who.failed_login, is_guess) << fields << who.fault;
    EXPECT_TRUE(who.grants.empty());
  }
  static std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
  }

  const std::string secret_ = "a secret of enough bytes for a test of guards";
  TemporaryFolder folder_;
  std::unique_ptr<identity::AccountStore> store_ =
      identity::open_sqlite_accounts({.file = folder_.path() / "accounts.db"}).value();
  net::Worker worker_{0};
  config::Settings settings_;
  identity::SessionTokens sessions_{{secret_}};
  identity::UserTokens users_ =
      identity::UserTokens::make({}, identity::JwtKeys::from_secrets({secret_}).value(),
                                 identity::JwtKeys::from_secrets({secret_ + "!"}).value())
          .value();
  identity::ApiKeys keys_{{secret_}};
  identity::Directory directory_;
  pipeline::Site default_;
  pipeline::Site shop_;
  std::vector<pipeline::Site> sites_;
  pipeline::Route route_;
  std::string owner_;
  std::string key_id_;
  bool blocked_ = false;
  std::string site_;
  pipeline::Verdict::Kind verdict_{};
};

TEST_F(CredentialsOfUsers, BeforeAccountsHaveBeenReadNobodyCanSayWhatTokensAndKeysAreWorth) {
  identity::Directory unread;
  const CredentialParts parts{.sessions = sessions_,
                              .users = &users_,
                              .keys = &keys_,
                              .directory = &unread,
                              .sites = sites_};
  const auto decide = [&](const std::string& fields) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.site = &default_;
    return make_credentials_guard(settings_, parts)->on_request(exchange).value();
  };
  for (const std::string& fields :
       {bearer(access_token(now())), bearer("pc_x"), std::string("X-API-Key: pc_x\r\n")}) {
    const auto undecided = decide(fields);
    ASSERT_FALSE(undecided) << fields;
    EXPECT_EQ(undecided.error().code, ErrorCode::unavailable);
  }
  EXPECT_TRUE(decide("")) << "visitors go on";
  unread.set_known();
  EXPECT_TRUE(decide(bearer(access_token(now()))));
}

TEST_F(CredentialsOfUsers, AnAccessTokenSaysWhoAndWhatOneIs) {
  const auto who = principal(bearer(access_token(now())));
  EXPECT_EQ(who.kind, http::Principal::Kind::user);
  EXPECT_EQ(who.id, owner_);
  EXPECT_EQ(who.login, "login");
  EXPECT_EQ(who.token_id.size(), 22U);
  EXPECT_EQ(who.grants, (std::vector<http::Grant>{{http::Role::operator_, "shop"}}));
  EXPECT_FALSE(who.credential_rejected);
  EXPECT_EQ(site_, "default");
  (void)principal(bearer(access_token(now())) + "X-Location-ID: shop\r\n");
  EXPECT_EQ(site_, "shop");
}

TEST_F(CredentialsOfUsers, WhatWasIssuedOnceIsNoGuessAndWhatNeverWasIsOne) {
  PROVES("F173");
  expect_rejected(bearer(access_token(now() - Seconds{700})), false);
  auto forged = access_token(now());
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  expect_rejected(bearer(forged), true);
  expect_rejected(bearer("x"), true);
  identity::UserClaims claims;
  claims.subject = owner_;
  claims.family = "login";
  expect_rejected(bearer(users_.issue(identity::UserTokens::Use::refresh, claims, now())->token),
                  true);
}

TEST_F(CredentialsOfUsers, AUserMayHaveASessionInHisCookieAsWell) {
  http::SessionClaims claims;
  claims.id[0] = 1;
  settings_.cookie_name = "chat";
  const auto cookie = "Cookie: chat=" + sessions_.issue(claims) + "\r\n";
  route_.kind = RouteKind::browser;
  const auto who = principal(bearer(access_token(now())) + cookie);
  EXPECT_EQ(who.kind, http::Principal::Kind::user);
  EXPECT_TRUE(who.session);
  EXPECT_FALSE(principal(bearer("x") + cookie).session) << "a bad credential hides the cookie";
}

TEST_F(CredentialsOfUsers, AnApiKeyIsTakenFromEitherHeader) {
  const auto key = api_key();
  for (const auto& fields : {"X-API-Key: " + key + "\r\n", bearer(key)}) {
    const auto who = principal(fields);
    EXPECT_EQ(who.kind, http::Principal::Kind::api_key) << who.fault;
    EXPECT_EQ(who.id, key_id_);
    EXPECT_EQ(who.grants, (std::vector<http::Grant>{{http::Role::service, "*"}}));
    EXPECT_EQ(who.requests_per_minute, 7U);
  }
  ASSERT_EQ(directory_.take_uses().size(), 1U);
  expect_rejected("X-API-Key: " + key + "\r\n" + bearer(access_token(now())), false);
  expect_rejected("X-API-Key: " + key + "\r\nX-API-Key: " + key + "\r\n", false);
}

TEST_F(CredentialsOfUsers, AKeyOfASiteSpeaksForThatSiteAlone) {
  const auto key = api_key("shop");
  EXPECT_EQ(principal("X-API-Key: " + key + "\r\n").grants,
            (std::vector<http::Grant>{{http::Role::service, "shop"}}));
  EXPECT_EQ(site_, "shop");
  (void)principal("X-API-Key: " + key + "\r\nX-Location-ID: default\r\n");
  EXPECT_EQ(site_, "shop") << "the access guard refuses the location";
  expect_rejected("X-API-Key: " + api_key("gone") + "\r\n", false);
}

TEST_F(CredentialsOfUsers, AKeyIsMistypedOrMadeUpOrOver) {
  const auto key = api_key();
  auto slip = key;
  slip[20] = slip[20] == 'a' ? 'b' : 'a';
  expect_rejected("X-API-Key: " + slip + "\r\n", false);
  expect_rejected("X-API-Key: pck_x\r\n", true);
  identity::ApiKey unknown;
  expect_rejected("X-API-Key: " + keys_.mint(unknown, now()).text + "\r\n", true);
  const identity::ApiKeys foreign{{secret_ + " of another gateway"}};
  expect_rejected("X-API-Key: " + foreign.mint(unknown, now()).text + "\r\n", true);
  expect_rejected("X-API-Key: " + api_key("*", now() - Seconds{1}) + "\r\n", false);
  ASSERT_TRUE(store_->revoke_api_key(key_id_, now()));
  const auto good = api_key();
  EXPECT_TRUE(principal("X-API-Key: " + good + "\r\n").is_verified());
  ASSERT_TRUE(store_->disable(owner_, now()));
  ASSERT_TRUE(directory_.renew(*store_));
  expect_rejected("X-API-Key: " + good + "\r\n", false);
}

TEST_F(CredentialsOfUsers, BehindABlockOnlyWhatVerifiesGoesOn) {
  blocked_ = true;
  EXPECT_TRUE(principal(bearer(access_token(now()))).is_verified());
  EXPECT_EQ(verdict_, pipeline::Verdict::Kind::pass);
  (void)principal(bearer("x"));
  EXPECT_EQ(verdict_, pipeline::Verdict::Kind::refuse);
}

}  // namespace
}  // namespace portcullis::guards

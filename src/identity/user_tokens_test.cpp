#include "identity/user_tokens.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>
#include <string>

#include "base/text.hpp"
#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

using Use = UserTokens::Use;

const WallTime kNow = from_epoch_seconds(1'800'000'000);
const std::string kAccessSecret = "access secret of forty-eight bytes, as it were..";
const std::string kRefreshSecret = "refresh secret of forty-eight bytes, as it were.";

JwtKeys keys(const std::string& secret) { return JwtKeys::from_secrets({secret}).value(); }

UserTokens tokens(const UserTokens::Settings& settings = {}) {
  return UserTokens::make(settings, keys(kAccessSecret), keys(kRefreshSecret)).value();
}
/// Both uses with one key: what is left to tell them apart is what they say.
UserTokens tokens_of_one_key() {
  return UserTokens::make({}, keys(kAccessSecret), keys(kAccessSecret)).value();
}

UserClaims alice() {
  UserClaims claims;
  claims.subject = "alice@example.com";
  claims.grants = {{Role::operator_, "shop"}, {Role::viewer, "*"}};
  claims.family = "family-1";
  claims.generation = 7;
  return claims;
}

std::string issue(const UserTokens& by, Use use, const UserClaims& claims = alice()) {
  return by.issue(use, claims, kNow).value().token;
}

boost::json::object part(const std::string& token, int index) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = token.find('.', begin) + 1;
  const auto text = token.substr(begin, token.find('.', begin) - begin);
  return boost::json::parse(text::base64url_decode(text).value()).as_object();
}

TEST(UserTokens, CarryTheirClaims) {
  const auto by = tokens();
  for (const auto use : {Use::access, Use::refresh}) {
    const auto issued = by.issue(use, alice(), kNow).value();
    const auto read = by.verify(use, issued.token, kNow);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->subject, "alice@example.com");
    EXPECT_EQ(read->grants, alice().grants) << "roles survive a refresh";
    EXPECT_EQ(read->family, "family-1");
    EXPECT_EQ(read->generation, use == Use::refresh ? 7U : 0U);
    EXPECT_EQ(read->id, issued.id);
    EXPECT_EQ(read->issued, kNow);
    EXPECT_EQ(read->expires, issued.expires);
  }
}

TEST(UserTokens, SayWhatTheyAreInHeaderAndClaims) {
  const auto by = tokens();
  const auto access = issue(by, Use::access);
  EXPECT_EQ(part(access, 0).at("typ"), "at+jwt");
  EXPECT_EQ(part(access, 0).at("alg"), "HS256");
  EXPECT_EQ(part(access, 0).at("kid").as_string().size(), 16U);
  EXPECT_EQ(part(access, 1).at("typ"), "access");
  EXPECT_EQ(part(access, 1).at("iss"), "portcullis");
  EXPECT_EQ(part(access, 1).at("aud"), "portcullis");
  EXPECT_EQ(part(access, 1).at("exp").as_int64() - part(access, 1).at("iat").as_int64(), 1800);
  EXPECT_FALSE(part(access, 1).contains("gen"));
  const auto refresh = issue(by, Use::refresh);
  EXPECT_EQ(part(refresh, 0).at("typ"), "rt+jwt");
  EXPECT_EQ(part(refresh, 1).at("typ"), "refresh");
  EXPECT_EQ(part(refresh, 1).at("gen"), 7);
}

TEST(UserTokens, NeitherUseIsAcceptedAsTheOther) {
  const auto by = tokens();
  EXPECT_EQ(by.verify(Use::access, issue(by, Use::refresh), kNow).error().fault,
            JwtFault::unknown_key);
  EXPECT_EQ(by.verify(Use::refresh, issue(by, Use::access), kNow).error().fault,
            JwtFault::unknown_key);
  const auto careless = tokens_of_one_key();
  EXPECT_EQ(careless.verify(Use::access, issue(careless, Use::refresh), kNow).error().fault,
            JwtFault::wrong_type);
  EXPECT_EQ(careless.verify(Use::refresh, issue(careless, Use::access), kNow).error().fault,
            JwtFault::wrong_type);
}

TEST(UserTokens, TheHeaderAloneMakesNoAccessTokenOfARefreshToken) {
  const auto by = tokens_of_one_key();
  const auto refresh = by.issue(Use::refresh, alice(), kNow, Seconds{600})->token;
  const auto relabelled = forge::hs256(kAccessSecret, R"({"alg":"HS256","typ":"at+jwt"})",
                                       boost::json::serialize(part(refresh, 1)));
  const auto refused = by.verify(Use::access, relabelled, kNow).error();
  EXPECT_EQ(refused.fault, JwtFault::wrong_type);
  EXPECT_EQ(refused.member, "typ");
}

TEST(UserTokens, LiveAsLongAsTheirUseDoes) {
  const auto by = tokens();
  const auto access = issue(by, Use::access);
  EXPECT_TRUE(by.verify(Use::access, access, kNow + Seconds{1800 + 29}));
  EXPECT_EQ(by.verify(Use::access, access, kNow + Seconds{1830}).error().fault, JwtFault::expired);
  EXPECT_TRUE(by.verify(Use::access, access, kNow - Seconds{30})) << "a node with a slow clock";
  EXPECT_EQ(by.verify(Use::access, access, kNow - Seconds{31}).error().fault,
            JwtFault::not_yet_valid);
  const auto refresh = issue(by, Use::refresh);
  EXPECT_TRUE(by.verify(Use::refresh, refresh, kNow + Seconds{7 * 86400}));
  EXPECT_FALSE(by.verify(Use::refresh, refresh, kNow + Seconds{7 * 86400 + 30}));
}

TEST(UserTokens, AShorterBoundEndsLongerTokensAtOnce) {
  const auto before = tokens();
  const auto long_lived = before.issue(Use::access, alice(), kNow, Seconds{24 * 3600}).value();
  EXPECT_TRUE(before.verify(Use::access, long_lived.token, kNow));
  const auto after = tokens({.max_access_life = Seconds{3600}});
  EXPECT_EQ(after.verify(Use::access, long_lived.token, kNow).error().fault,
            JwtFault::too_long_lived);
  EXPECT_FALSE(before.issue(Use::access, alice(), kNow, Seconds{24 * 3600 + 1}));
  EXPECT_FALSE(before.issue(Use::access, alice(), kNow, Seconds{0}));
  EXPECT_FALSE(before.issue(Use::access, alice(), kNow, Seconds{-1}));
}

TEST(UserTokens, EachHasAnIdOf128RandomBits) {
  const auto by = tokens();
  std::set<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    const auto id = by.issue(Use::access, alice(), kNow).value().id;
    EXPECT_EQ(text::base64url_decode(id)->size(), 16U);
    EXPECT_TRUE(ids.insert(id).second);
  }
}

TEST(UserTokens, AnAccessTokenNeedsNoFamilyARefreshTokenDoes) {
  const auto by = tokens();
  auto claims = alice();
  claims.family.clear();
  EXPECT_TRUE(by.verify(Use::access, issue(by, Use::access, claims), kNow));
  EXPECT_FALSE(by.issue(Use::refresh, claims, kNow));
}

TEST(UserTokens, IssueNothingThatTheyWouldNotVerify) {
  const auto by = tokens();
  const auto refuses = [&](auto change) {
    auto claims = alice();
    change(claims);
    return !by.issue(Use::refresh, claims, kNow);
  };
  EXPECT_TRUE(refuses([](auto& c) { c.subject.clear(); }));
  EXPECT_TRUE(refuses([](auto& c) { c.subject = "a\nb"; }));
  EXPECT_TRUE(refuses([](auto& c) { c.subject = "\xff"; })) << "it would become U+FFFD";
  EXPECT_TRUE(refuses([](auto& c) { c.subject = std::string(257, 'a'); }));
  EXPECT_TRUE(refuses([](auto& c) { c.grants = {{Role::viewer, ""}}; }));
  EXPECT_TRUE(refuses([](auto& c) { c.grants = {{Role::viewer, "**"}}; }));
  EXPECT_TRUE(refuses([](auto& c) { c.grants.resize(kMaxGrants + 1, {Role::viewer, "*"}); }));
  EXPECT_TRUE(refuses([](auto& c) { c.family = "a/b"; }));
  EXPECT_TRUE(refuses([](auto& c) { c.family = std::string(65, 'a'); }));
}

TEST(UserTokens, TheLargestStillVerifies) {
  const std::string quotes(256, '"');  // two bytes each in JSON
  const auto by = tokens({.issuer = quotes, .audience = quotes});
  auto claims = alice();
  claims.subject = quotes;
  claims.grants.assign(kMaxGrants, {Role::operator_, std::string(64, 's')});
  claims.family = std::string(64, 'f');
  claims.generation = 0xffff'ffff;
  const auto token = issue(by, Use::refresh, claims);
  EXPECT_LE(token.size(), kMaxJwtBytes);
  const auto read = by.verify(Use::refresh, token, kNow);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->generation, 0xffff'ffffU);
  EXPECT_EQ(read->grants, claims.grants);
}

TEST(UserTokens, WhatAUserIsCalledStaysInsideItsClaim) {
  const auto by = tokens();
  auto claims = alice();
  claims.subject = R"(a","grants":[{"role":"admin","site":"*"}],"x":")";
  const auto read = by.verify(Use::access, issue(by, Use::access, claims), kNow);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject, claims.subject);
  EXPECT_EQ(read->grants, alice().grants);
}

TEST(UserTokens, RefuseClaimsOfAnotherForm) {
  const auto by = tokens();
  const auto good = part(issue(by, Use::refresh), 1);
  struct Case {
    const char* member;
    const char* value;
    JwtFault fault;
  };
  const Case cases[] = {
      {"grants", "null", JwtFault::bad_claims},
      {"grants", "{}", JwtFault::bad_claims},
      {"grants", R"("admin")", JwtFault::bad_claims},
      {"grants", R"(["admin"])", JwtFault::bad_claims},
      {"grants", R"([{"role":"admin"}])", JwtFault::bad_claims},
      {"grants", R"([{"role":"admin","site":1}])", JwtFault::bad_claims},
      {"grants", R"([{"role":["admin"],"site":"*"}])", JwtFault::bad_claims},
      {"grants", R"([{"role":"admin","site":"*","x":1}])", JwtFault::bad_claims},
      {"grants", R"([{"role":"a b","site":"*"}])", JwtFault::bad_claims},
      {"gen", "-1", JwtFault::bad_claims},
      {"gen", "1.0", JwtFault::bad_claims},
      {"gen", "4294967296", JwtFault::bad_claims},
      {"gen", R"("1")", JwtFault::bad_claims},
      {"gen", "null", JwtFault::bad_claims},
      {"fam", "1", JwtFault::bad_claims},
      {"fam", R"("")", JwtFault::bad_claims},
      {"fam", R"("a b")", JwtFault::bad_claims},
      {"typ", R"("access")", JwtFault::wrong_type},
      {"typ", "1", JwtFault::wrong_type},
      {"typ", R"("Refresh")", JwtFault::wrong_type},
  };
  const auto refusal = [&](const boost::json::object& claims) {
    return by
        .verify(Use::refresh,
                forge::hs256(kRefreshSecret, R"({"alg":"HS256","typ":"rt+jwt"})",
                             boost::json::serialize(claims)),
                kNow)
        .error();
  };
  for (const auto& one : cases) {
    auto claims = good;
    claims[one.member] = boost::json::parse(one.value);
    const auto refused = refusal(claims);
    EXPECT_EQ(code_of(refused.fault), code_of(one.fault)) << one.member << " " << one.value;
    EXPECT_EQ(refused.member, one.member) << one.value;
  }
  for (const auto* name : {"typ", "nbf", "jti", "grants", "fam", "gen"}) {
    auto claims = good;
    claims.erase(name);
    EXPECT_EQ(refusal(claims).fault, JwtFault::missing_claim) << name;
    EXPECT_EQ(refusal(claims).member, name);
  }
}

TEST(UserTokens, KeysChangeWithoutEndingTokens) {
  const auto before = tokens();
  auto both =
      JwtKeys::from_secrets({"a new secret of forty-eight bytes, as it were...", kAccessSecret});
  const auto during = UserTokens::make({}, *std::move(both), keys(kRefreshSecret)).value();
  EXPECT_TRUE(during.verify(Use::access, issue(before, Use::access), kNow));
  EXPECT_TRUE(during.verify(Use::access, issue(during, Use::access), kNow));
  EXPECT_FALSE(before.verify(Use::access, issue(during, Use::access), kNow));
}

TEST(UserTokens, AreSignedByRsaAndEcKeysAsWell) {
  for (const auto* key : {&forge::rsa_key(), &forge::ec_key()}) {
    std::vector<JwtKey> signing;
    signing.push_back(JwtKey::from_pem(key->private_pem()).value());
    const auto by =
        UserTokens::make({}, JwtKeys::make(std::move(signing)).value(), keys(kRefreshSecret))
            .value();
    EXPECT_TRUE(by.verify(Use::access, issue(by, Use::access), kNow));
  }
}

TEST(UserTokens, RefuseSettingsThatCannotWork) {
  const auto made = [](const UserTokens::Settings& settings) {
    return UserTokens::make(settings, keys(kAccessSecret), keys(kRefreshSecret)).has_value();
  };
  EXPECT_TRUE(made({}));
  EXPECT_FALSE(made({.issuer = ""}));
  EXPECT_FALSE(made({.audience = ""}));
  EXPECT_FALSE(made({.access_life = Seconds{0}}));
  EXPECT_FALSE(made({.access_life = Seconds{24 * 3600 + 1}}));
  EXPECT_FALSE(made({.refresh_life = Seconds{31 * 24 * 3600}}));
  std::vector<JwtKey> verifying;
  verifying.push_back(JwtKey::from_pem(forge::ec_key().public_pem()).value());
  EXPECT_FALSE(
      UserTokens::make({}, JwtKeys::make(std::move(verifying)).value(), keys(kRefreshSecret)));
}

}  // namespace
}  // namespace portcullis::identity

#include "identity/foreign_tokens.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

const WallTime kNow = from_epoch_seconds(1'800'000'000);
const std::string kSecret = "a secret of forty-eight bytes that page and we know";

ForeignTokens::Rules some_rules() {
  ForeignTokens::Rules rules;
  rules.claims.issuer = "https://login.example.com";
  rules.claims.audience = "client-7";
  rules.claims.types = {"jwt", ""};
  rules.claims.thumbprints = Thumbprints::ignored;
  rules.wanted = {"email", "email_verified", "groups", "missing"};
  return rules;
}

JwtKeys issuer_keys() {
  std::vector<JwtKey> keys;
  keys.push_back({.id = "r1", .key = crypto::JwsKey::pem(forge::rsa_key().public_pem()).value()});
  return JwtKeys::make(std::move(keys)).value();
}

ForeignTokens tokens(const ForeignTokens::Rules& rules = some_rules()) {
  return ForeignTokens::make(rules, issuer_keys()).value();
}

std::string claims(std::string_view more = "") {
  return R"({"iss":"https://login.example.com","aud":"client-7","sub":"u-1","iat":1799999990,)"
         R"("exp":1800003590)" +
         std::string(more) + '}';
}
std::string id_token(std::string_view payload,
                     std::string_view header = R"({"alg":"RS256","kid":"r1","typ":"JWT"})") {
  return forge::rsa_key().jws(header, payload);
}

TEST(ForeignTokens, YieldSubjectAndWantedClaims) {
  const auto identity = tokens().verify(
      id_token(claims(R"(,"email":"a@example.com","email_verified":true,"groups":["x","y"],)"
                      R"("secret":"unwanted","jti":"j-1")")),
      kNow);
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ(identity->subject, "u-1");
  EXPECT_EQ(identity->id, "j-1");
  EXPECT_EQ(identity->expires, from_epoch_seconds(1'800'003'590));
  EXPECT_EQ(identity->claims.size(), 3U);
  EXPECT_EQ(identity->claims.at("email"), "a@example.com");
  EXPECT_EQ(identity->claims.at("email_verified"), true);
  EXPECT_EQ(identity->claims.at("groups").as_array().size(), 2U);
}

TEST(ForeignTokens, FollowTheSameRulesAsOurOwn) {
  const auto by = tokens();
  const auto fault = [&](const std::string& token) { return by.verify(token, kNow).error().fault; };
  EXPECT_EQ(fault(id_token(claims(R"(,"exp":1)"))), JwtFault::bad_claims) << "twice";
  EXPECT_EQ(
      fault(forge::hs256(forge::rsa_key().public_pem(), R"({"alg":"HS256","kid":"r1"})", claims())),
      JwtFault::confused_algorithm);
  EXPECT_EQ(fault(id_token(claims(), R"({"alg":"RS256","kid":"r2"})")), JwtFault::unknown_key)
      << "time to fetch the keys anew";
  EXPECT_EQ(fault(id_token(claims(), R"({"alg":"RS256","kid":"r1","typ":"at+jwt"})")),
            JwtFault::wrong_type)
      << "an access token of the same issuer is no ID token";
  EXPECT_EQ(fault(forge::other_rsa_key().jws(R"({"alg":"RS256","kid":"r1"})", claims())),
            JwtFault::bad_signature);
}

TEST(ForeignTokens, AThumbprintBesideKidDoesNoHarm) {
  const auto token = id_token(claims(), R"({"alg":"RS256","kid":"r1","x5t":"abc"})");
  EXPECT_TRUE(tokens().verify(token, kNow));
  auto strict = some_rules();
  strict.claims.thumbprints = Thumbprints::refused;
  EXPECT_EQ(tokens(strict).verify(token, kNow).error().fault, JwtFault::forbidden_header);
}

TEST(ForeignTokens, RequireClaimsAndTheirValues) {
  auto rules = some_rules();
  rules.claims.required = {{"email", {}}, {"azp", "client-7"}};
  const auto by = tokens(rules);
  const auto refused = [&](std::string_view more) {
    return by.verify(id_token(claims(more)), kNow).error();
  };
  EXPECT_TRUE(by.verify(id_token(claims(R"(,"email":null,"azp":"client-7")")), kNow));
  EXPECT_EQ(refused(R"(,"azp":"client-7")").fault, JwtFault::missing_claim);
  EXPECT_EQ(refused(R"(,"azp":"client-7")").member, "email");
  EXPECT_EQ(refused(R"(,"email":"a")").member, "azp");
  for (const auto* value : {R"("client-8")", "7", "null", R"(["client-7"])", R"("")"}) {
    const auto refusal = refused(R"(,"email":"a","azp":)" + std::string(value));
    EXPECT_EQ(refusal.fault, JwtFault::wrong_value) << value;
    EXPECT_EQ(refusal.member, "azp");
  }
}

TEST(ForeignTokens, MayBeBoundInAge) {
  auto rules = some_rules();
  rules.claims.max_age = Seconds{60};
  const auto by = tokens(rules);
  const auto token = id_token(claims());
  EXPECT_TRUE(by.verify(token, kNow + Seconds{80}));
  EXPECT_EQ(by.verify(token, kNow + Seconds{81}).error().fault, JwtFault::too_old);
}

TEST(ForeignTokens, OfAPageAreVerifiedByTheSecretThatItShares) {
  std::vector<JwtKey> keys;
  keys.push_back({.id = "", .key = crypto::JwsKey::hmac(kSecret).value()});
  const auto by = ForeignTokens::make(some_rules(), JwtKeys::make(std::move(keys)).value()).value();
  EXPECT_TRUE(by.verify(forge::hs256(kSecret, R"({"alg":"HS256"})", claims()), kNow));
  EXPECT_TRUE(by.verify(forge::hs256(kSecret, R"({"alg":"HS256","kid":"page"})", claims()), kNow));
  EXPECT_EQ(
      by.verify(forge::hs256(kSecret + 'x', R"({"alg":"HS256"})", claims()), kNow).error().fault,
      JwtFault::bad_signature);
  EXPECT_EQ(by.verify(id_token(claims()), kNow).error().fault, JwtFault::unknown_key);
}

TEST(ForeignTokens, RefuseRulesThatWouldAcceptAnything) {
  const auto made = [](auto change) {
    auto rules = some_rules();
    change(rules.claims);
    return ForeignTokens::make(rules, issuer_keys()).has_value();
  };
  EXPECT_TRUE(made([](auto&) {}));
  EXPECT_FALSE(made([](auto& r) { r.issuer.clear(); }));
  EXPECT_FALSE(made([](auto& r) { r.audience.clear(); }));
  EXPECT_FALSE(made([](auto& r) { r.types.clear(); }));
  EXPECT_FALSE(made([](auto& r) { r.leeway = Seconds{301}; }));
  EXPECT_FALSE(made([](auto& r) { r.leeway = Seconds{-1}; }));
  EXPECT_FALSE(made([](auto& r) { r.max_life = Seconds{0}; }));
  EXPECT_FALSE(made([](auto& r) { r.max_life = ClaimRules::kMaxLife + Seconds{1}; }));
  EXPECT_FALSE(made([](auto& r) { r.max_age = Seconds{0}; }));
  EXPECT_FALSE(made([](auto& r) { r.max_age = Seconds::max(); }));
}

}  // namespace
}  // namespace portcullis::identity

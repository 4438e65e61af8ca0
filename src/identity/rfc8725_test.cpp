// RFC 8725, "JSON Web Token Best Current Practices": a test for each point of section 3 that
// applies. docs/jwt.md tells how each is met.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "identity/foreign_tokens.hpp"
#include "identity/jwks.hpp"
#include "identity/user_tokens.hpp"
#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

using Use = UserTokens::Use;

const WallTime kNow = from_epoch_seconds(1'800'000'000);
const std::string kSecret = "a secret of forty-eight bytes, random as it were";
const std::string kOther = "another secret of forty-eight bytes, as it were.";

ClaimRules some_rules() {
  ClaimRules rules;
  rules.issuer = "issuer";
  rules.audience = "audience";
  rules.types = {"jwt"};
  return rules;
}

std::string claims(std::string_view more = "") {
  return R"({"iss":"issuer","aud":"audience","sub":"alice","iat":1800000000,"exp":1800000600)" +
         std::string(more) + '}';
}

template <class... Keys>
JwtKeys keys(Keys... key) {
  std::vector<JwtKey> all;
  (all.push_back(std::move(key)), ...);
  return JwtKeys::make(std::move(all)).value();
}
JwtKey secret_key(std::string_view secret = kSecret) { return JwtKey::from_secret(secret).value(); }
JwtKey public_rsa_key() { return JwtKey::from_pem(forge::rsa_key().public_pem()).value(); }
JwtKey public_ec_key() { return JwtKey::from_pem(forge::ec_key().public_pem()).value(); }

JwtResult<VerifiedJwt> verified(const std::string& token, const JwtKeys& by,
                                const ClaimRules& rules = some_rules()) {
  http::JsonBody body;
  return verify_jwt(token, by, rules, kNow, body);
}
JwtFault fault(const std::string& token, const JwtKeys& by) {
  const auto result = verified(token, by);
  return result ? JwtFault{} : result.error().fault;
}

UserTokens user_tokens() {
  return UserTokens::make({}, keys(secret_key()), keys(secret_key(kOther))).value();
}
UserClaims alice() {
  UserClaims out;
  out.subject = "alice";
  out.family = "family";
  return out;
}

TEST(Rfc8725, Section31EachKeyIsForOneAlgorithmWhateverATokenSays) {
  const auto rsa = keys(public_rsa_key());
  EXPECT_TRUE(verified(forge::rsa_key().jws(R"({"alg":"RS256","typ":"JWT"})", claims()), rsa));
  const auto id = forge::rsa_key().public_pem();
  EXPECT_EQ(fault(forge::hs256(id, R"({"alg":"HS256","typ":"JWT"})", claims()), rsa),
            JwtFault::unknown_key);
  const std::string named = R"({"alg":"HS256","typ":"JWT","kid":")" + public_rsa_key().id + R"("})";
  EXPECT_EQ(fault(forge::hs256(id, named, claims()), rsa), JwtFault::confused_algorithm);
}

TEST(Rfc8725, Section32NoneAndAlgorithmsThatAreNotOursAreRefused) {
  const auto by = keys(secret_key());
  for (const auto* name : {"none", "NONE", "HS384", "RS384", "PS256", "ES384", "RSA1_5", "dir"}) {
    const std::string head = R"({"typ":"JWT","alg":")" + std::string(name) + R"("})";
    EXPECT_EQ(fault(forge::compact(head, claims(), ""), by), JwtFault::wrong_algorithm) << name;
    EXPECT_EQ(fault(forge::hs256(kSecret, head, claims()), by), JwtFault::wrong_algorithm) << name;
  }
}

TEST(Rfc8725, Section33NothingOfATokenIsBelievedBeforeItsSignature) {
  const auto by = keys(secret_key());
  const std::string head = R"({"alg":"HS256","typ":"other"})";
  EXPECT_EQ(fault(forge::hs256(kOther, head, "no JSON at all"), by), JwtFault::bad_signature);
  EXPECT_EQ(fault(forge::hs256(kSecret, head, "no JSON at all"), by), JwtFault::wrong_type);
  // A nested JWT would have signatures of its own; there are none here.
  const std::string inner = forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT"})", claims());
  EXPECT_EQ(fault(forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT","cty":"JWT"})", inner), by),
            JwtFault::bad_claims);
}

TEST(Rfc8725, Section34PointsAndSignaturesAreChecked) {
  const auto set = parse_jwks(R"({"keys":[{"kty":"EC","crv":"P-256",
      "x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]})");
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->keys.empty()) << "a point that is not on the curve";
  EXPECT_EQ(fault(forge::compact(R"({"alg":"ES256","typ":"JWT"})", claims(), std::string(64, '\0')),
                  keys(public_ec_key())),
            JwtFault::bad_signature);
}

TEST(Rfc8725, Section35KeysHaveEnoughEntropy) {
  EXPECT_FALSE(JwtKey::from_secret("correct horse battery staple"));
  EXPECT_FALSE(JwtKey::from_pem(forge::PrivateKey::rsa(1024).public_pem()));
}

TEST(Rfc8725, Section36NothingIsDecompressed) {
  EXPECT_EQ(fault(forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT","zip":"DEF"})", claims()),
                  keys(secret_key())),
            JwtFault::forbidden_header);
}

TEST(Rfc8725, Section37HeadersAndClaimsAreUtf8) {
  const auto by = keys(secret_key());
  const std::string head = R"({"alg":"HS256","typ":"JWT"})";
  EXPECT_EQ(fault(forge::hs256(kSecret, "{\"alg\":\"HS256\",\"x\":\"\xe9\"}", claims()), by),
            JwtFault::bad_header);
  EXPECT_EQ(fault(forge::hs256(kSecret, head, claims(",\"x\":\"\xc0\xaf\"")), by),
            JwtFault::bad_claims);
  EXPECT_EQ(fault(forge::hs256(kSecret, head, std::string("\xff\xfe{\0}\0", 6)), by),
            JwtFault::bad_claims);
}

TEST(Rfc8725, Section38IssuerBelongsToTheKeysAndSubjectMustBeThere) {
  const auto by = keys(secret_key());
  const std::string head = R"({"alg":"HS256","typ":"JWT"})";
  auto other = some_rules();
  other.issuer = "other issuer";
  EXPECT_EQ(verified(forge::hs256(kSecret, head, claims()), by, other).error().fault,
            JwtFault::wrong_issuer)
      << "keys and issuer come together in one set of rules";
  EXPECT_EQ(
      fault(forge::hs256(kSecret, head,
                         R"({"iss":"issuer","aud":"audience","iat":1800000000,"exp":1800000600})"),
            by),
      JwtFault::missing_claim);
}

TEST(Rfc8725, Section39AudienceMustBeOurs) {
  const auto by = keys(secret_key());
  auto other = some_rules();
  other.audience = "other";
  EXPECT_EQ(verified(forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT"})", claims()), by, other)
                .error()
                .fault,
            JwtFault::wrong_audience);
}

TEST(Rfc8725, Section310KidIsComparedOnlyAndNoKeyIsFetched) {
  const auto by = keys(secret_key());
  const auto with = [&](const std::string& member) {
    return fault(forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT",)" + member + '}', claims()),
                 by);
  };
  EXPECT_EQ(with(R"("kid":"../../dev/null")"), JwtFault::unknown_key);
  EXPECT_EQ(with(R"("kid":"' OR 1=1 --")"), JwtFault::bad_header);
  EXPECT_EQ(with(R"("jku":"https://evil.example/keys")"), JwtFault::forbidden_header);
  EXPECT_EQ(with(R"("x5u":"https://evil.example/cert")"), JwtFault::forbidden_header);
  EXPECT_EQ(with(R"("jwk":{"kty":"oct","k":"AAAA"})"), JwtFault::forbidden_header);
}

TEST(Rfc8725, Section311TypesAreExplicit) {
  const auto by = user_tokens();
  const auto token = by.issue(Use::access, alice(), kNow)->token;
  EXPECT_EQ(read_compact_jws(token)->header.type, "at+jwt");
  const std::string untyped = R"({"alg":"HS256"})";
  EXPECT_EQ(fault(forge::hs256(kSecret, untyped, claims()), keys(secret_key())),
            JwtFault::wrong_type);
}

TEST(Rfc8725, Section312NoKindOfTokenIsAcceptedAsAnother) {
  const auto by = user_tokens();
  const auto access = by.issue(Use::access, alice(), kNow)->token;
  const auto refresh = by.issue(Use::refresh, alice(), kNow)->token;
  EXPECT_TRUE(by.verify(Use::access, access, kNow));
  EXPECT_TRUE(by.verify(Use::refresh, refresh, kNow));
  EXPECT_FALSE(by.verify(Use::access, refresh, kNow));
  EXPECT_FALSE(by.verify(Use::refresh, access, kNow));
  ForeignTokens::Rules rules{.claims = some_rules(), .wanted = {}};
  const auto foreign = ForeignTokens::make(rules, keys(secret_key())).value();
  EXPECT_FALSE(foreign.verify(access, kNow)) << "not even with the same secret";
  EXPECT_FALSE(by.verify(Use::access,
                         forge::hs256(kSecret, R"({"alg":"HS256","typ":"JWT"})", claims()), kNow));
}

}  // namespace
}  // namespace portcullis::identity

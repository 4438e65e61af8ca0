#include "identity/jwks.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

std::string encoded(const forge::PrivateKey& key, const char* name) {
  return text::base64url(key.number(name));
}
/// Members of a JWK, without braces.
std::string rsa_members(const forge::PrivateKey& key = forge::rsa_key()) {
  return R"("kty":"RSA","n":")" + encoded(key, OSSL_PKEY_PARAM_RSA_N) + R"(","e":"AQAB")";
}
std::string ec_members(const forge::PrivateKey& key = forge::ec_key()) {
  const auto numbers = std::get<crypto::EcNumbers>(crypto::read_pem(key.public_pem()).value());
  return R"("kty":"EC","crv":"P-256","x":")" + text::base64url(numbers.x) + R"(","y":")" +
         text::base64url(numbers.y) + '"';
}

std::string set_of(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const auto& key : keys) {
    if (&key != &keys.front()) out += ',';
    out += '{' + key + '}';
  }
  return out + "]}";
}

/// Why the only key of a set is skipped; empty where it is not.
std::string skipped(const std::string& members) {
  const auto set = parse_jwks(set_of({members}));
  if (!set) return set.error().detail;
  EXPECT_EQ(set->keys.size() + set->skipped.size(), 1U);
  return set->skipped.empty() ? "" : set->skipped.front().reason;
}

TEST(Jwks, KeysOfASetVerify) {
  auto set = parse_jwks(set_of({rsa_members() + R"(,"kid":"r","use":"sig","alg":"RS256")",
                                ec_members() + R"(,"kid":"e","key_ops":["verify"])"}));
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->skipped.empty());
  ASSERT_EQ(set->keys.size(), 2U);
  EXPECT_EQ(set->keys[0].id, "r");
  EXPECT_EQ(set->keys[1].id, "e");
  const auto keys = JwtKeys::make(std::move(set->keys)).value();
  EXPECT_FALSE(keys.can_sign());
  const auto verifies = [&](const std::string& token) {
    return keys.verify(read_compact_jws(token).value()).has_value();
  };
  EXPECT_TRUE(verifies(forge::rsa_key().jws(R"({"alg":"RS256","kid":"r"})", "{}")));
  EXPECT_TRUE(verifies(forge::ec_key().jws(R"({"alg":"ES256","kid":"e"})", "{}")));
  EXPECT_FALSE(verifies(forge::other_rsa_key().jws(R"({"alg":"RS256","kid":"r"})", "{}")));
}

TEST(Jwks, ReadsRfc7517AppendixA1) {
  const auto set = parse_jwks(R"({"keys":[{"kty":"EC","crv":"P-256",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
   {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})");
  ASSERT_TRUE(set);
  ASSERT_EQ(set->keys.size(), 1U);
  EXPECT_EQ(set->keys[0].id, "2011-04-29");
  ASSERT_EQ(set->skipped.size(), 1U);
  EXPECT_EQ(set->skipped[0].index, 0U);
  EXPECT_EQ(set->skipped[0].reason, "not for signatures");
}

TEST(Jwks, ASingleKeyNeedsNoKid) {
  EXPECT_EQ(skipped(ec_members()), "");
  auto set = parse_jwks(set_of({ec_members(), rsa_members() + R"(,"kid":"r")"}));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys.size(), 1U);
  EXPECT_EQ(set->skipped.at(0).reason, "no kid, beside other keys");
}

TEST(Jwks, SkipsKeysOfNoUseAndSaysWhy) {
  const auto weak = forge::PrivateKey::rsa(1024);
  EXPECT_EQ(skipped(R"("kty":"oct","k":"AAAA")"), "a secret");
  EXPECT_EQ(
      skipped(R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")"),
      "of a kind that is not supported");
  EXPECT_EQ(skipped(R"("kty":"rsa")"), "of a kind that is not supported");
  EXPECT_EQ(skipped(R"("n":"AAAA")"), "of a kind that is not supported");
  EXPECT_EQ(skipped(R"("kty":1)"), "kty is no text");
  EXPECT_EQ(skipped(rsa_members(weak)), "RSA keys have 2048 bits or more");
  EXPECT_EQ(skipped(rsa_members() + R"(,"alg":"RS512")"), "of an algorithm that is not supported");
  EXPECT_EQ(skipped(rsa_members() + R"(,"alg":"HS256")"), "of an algorithm that is not supported");
  EXPECT_EQ(skipped(rsa_members() + R"(,"alg":"ES256")"), "of an algorithm that is not supported");
  EXPECT_EQ(skipped(ec_members() + R"(,"alg":"RS256")"), "of an algorithm that is not supported");
  EXPECT_EQ(skipped(ec_members() + R"(,"alg":"")"), "of an algorithm that is not supported");
  EXPECT_EQ(skipped(ec_members() + R"(,"alg":null)"), "alg is no text");
  EXPECT_EQ(skipped(ec_members() + R"(,"use":"enc")"), "not for signatures");
  EXPECT_EQ(skipped(ec_members() + R"(,"use":"")"), "not for signatures");
  EXPECT_EQ(skipped(ec_members() + R"(,"use":"SIG")"), "not for signatures");
  EXPECT_EQ(skipped(ec_members() + R"(,"use":["sig"])"), "use is no text");
  EXPECT_EQ(skipped(ec_members() + R"(,"key_ops":["sign"])"), "not to verify with");
  EXPECT_EQ(skipped(ec_members() + R"(,"key_ops":"verify")"), "not to verify with");
  EXPECT_EQ(skipped(ec_members() + R"(,"kid":"a b")"), "a kid that is not accepted");
  EXPECT_EQ(skipped(ec_members() + R"(,"kid":"")"), "a kid that is not accepted");
  EXPECT_EQ(skipped(ec_members() + R"(,"kid":7)"), "kid is no text");
  EXPECT_EQ(skipped(R"("kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA")"),
            "of elliptic curves only P-256 is supported");
  EXPECT_EQ(skipped(R"("kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA")"),
            "a coordinate on P-256 has 32 bytes");
  EXPECT_EQ(skipped(R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                       "y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")"),
            "the point is not on P-256");
  EXPECT_EQ(skipped(R"("kty":"RSA","n":"A=","e":"AQAB")"), "n is no base64url number");
  EXPECT_EQ(skipped(R"("kty":"RSA","e":"AQAB")"), "n is no base64url number");
  EXPECT_EQ(skipped(R"("kty":"RSA","n":5,"e":"AQAB")"), "n is no text");
}

TEST(Jwks, PrivateMembersAreNotLookedAt) {
  const auto set = parse_jwks(set_of({ec_members() + R"(,"d":"rubbish !","p":7)"}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->keys.size(), 1U);
  EXPECT_FALSE(set->keys[0].key.can_sign());
}

TEST(Jwks, OneBadKeyDoesNotHideTheOthers) {
  std::string text = set_of({ec_members() + R"(,"kid":"e")", R"("kty":"oct","kid":"o")",
                             rsa_members() + R"(,"kid":"e")"});
  text.replace(text.size() - 2, 2, R"(,7,null]})");
  const auto set = parse_jwks(text);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys.size(), 1U);
  ASSERT_EQ(set->skipped.size(), 4U);
  EXPECT_EQ(set->skipped[1].reason, "a kid that another key has");
  EXPECT_EQ(set->skipped[1].index, 2U);
  EXPECT_EQ(set->skipped[2].reason, "no object");
}

TEST(Jwks, RefusesWhatIsNoSet) {
  for (const auto* text :
       {"", "{", "[]", "null", "{}", R"({"keys":{}})", R"({"keys":null})", R"({"Keys":[]})",
        R"({"keys":[],"keys":[]})", R"({"keys":[{"kty":"EC","kty":"RSA"}]})"}) {
    const auto set = parse_jwks(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code, ErrorCode::malformed) << text;
    EXPECT_EQ(set.error().origin, ErrorOrigin::upstream);
  }
  EXPECT_TRUE(parse_jwks(R"({"keys":[]})")->keys.empty());
}

TEST(Jwks, IsBounded) {
  const std::vector<std::string> many(JwtKeys::kMaxKeys + 1, R"("kty":"oct")");
  EXPECT_EQ(parse_jwks(set_of(many)).error().code, ErrorCode::too_large);
  EXPECT_TRUE(parse_jwks(set_of({many.begin(), many.end() - 1})));
  std::string text = R"({"keys":[]})";
  text.append(64 * 1024 - text.size(), ' ');
  EXPECT_TRUE(parse_jwks(text));
  EXPECT_EQ(parse_jwks(text + ' ').error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace portcullis::identity

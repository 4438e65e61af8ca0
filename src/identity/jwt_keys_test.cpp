#include "identity/jwt_keys.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

std::string secret(int n) { return std::to_string(n) + std::string(48, 's'); }

JwtKeys keys_of(std::vector<JwtKey> keys) { return JwtKeys::make(std::move(keys)).value(); }

template <class... Keys>
JwtKeys keys(Keys... key) {
  std::vector<JwtKey> all;
  (all.push_back(std::move(key)), ...);
  return keys_of(std::move(all));
}

JwtResult<void> verified(const JwtKeys& by, const std::string& token) {
  return by.verify(read_compact_jws(token).value());
}
JwtFault fault(const JwtKeys& by, const std::string& token) {
  return verified(by, token).error().fault;
}

TEST(JwtKeys, TheFirstSignsAndAllVerify) {
  const auto before = JwtKeys::from_secrets({secret(1)}).value();
  const auto during = JwtKeys::from_secrets({secret(2), secret(1)}).value();
  const auto after = JwtKeys::from_secrets({secret(2)}).value();
  const auto old_token = before.sign("JWT", "{}");
  const auto new_token = during.sign("JWT", "{}");
  EXPECT_TRUE(verified(during, old_token));
  EXPECT_TRUE(verified(during, new_token));
  EXPECT_TRUE(verified(after, new_token));
  EXPECT_EQ(fault(after, old_token), JwtFault::unknown_key);
  EXPECT_EQ(fault(before, new_token), JwtFault::unknown_key);
}

TEST(JwtKeys, OfAllKindsSignAndVerify) {
  for (const auto& pem : {forge::rsa_key().private_pem(), forge::ec_key().private_pem()}) {
    const auto all = keys(JwtKey::from_pem(pem).value(), JwtKey::from_secret(secret(1)).value());
    EXPECT_TRUE(all.can_sign());
    EXPECT_TRUE(verified(all, all.sign("at+jwt", "{}")));
  }
  EXPECT_FALSE(keys(JwtKey::from_pem(forge::ec_key().public_pem()).value()).can_sign());
}

TEST(JwtKeys, ATokenWithoutKidIsTriedWithTheKeysOfItsAlgorithm) {
  const auto all =
      keys(JwtKey::from_pem(forge::rsa_key().public_pem()).value(),
           JwtKey::from_secret(secret(1)).value(), JwtKey::from_secret(secret(2)).value());
  EXPECT_TRUE(verified(all, forge::hs256(secret(2), R"({"alg":"HS256"})", "{}")));
  EXPECT_TRUE(verified(all, forge::rsa_key().jws(R"({"alg":"RS256"})", "{}")));
  EXPECT_EQ(fault(all, forge::hs256(secret(3), R"({"alg":"HS256"})", "{}")),
            JwtFault::bad_signature);
  EXPECT_EQ(fault(all, forge::ec_key().jws(R"({"alg":"ES256"})", "{}")), JwtFault::unknown_key);
}

TEST(JwtKeys, ATokenWithoutKidIsTriedAFewTimesOnly) {
  std::vector<std::string> secrets;
  for (int i = 0; i < 5; ++i) secrets.push_back(secret(i));
  const auto all = JwtKeys::from_secrets(secrets).value();
  EXPECT_TRUE(verified(all, forge::hs256(secret(3), R"({"alg":"HS256"})", "{}")));
  EXPECT_EQ(fault(all, forge::hs256(secret(4), R"({"alg":"HS256"})", "{}")),
            JwtFault::bad_signature);
  EXPECT_TRUE(verified(all, JwtKeys::from_secrets({secret(4)})->sign("JWT", "{}"))) << "named";
}

TEST(JwtKeys, AKeyWithoutNameIsTriedWhateverATokenNames) {
  const auto unnamed = keys(JwtKey{.id = "", .key = crypto::JwsKey::hmac(secret(1)).value()});
  EXPECT_TRUE(verified(unnamed, forge::hs256(secret(1), R"({"alg":"HS256","kid":"x"})", "{}")));
  EXPECT_TRUE(verified(unnamed, forge::hs256(secret(1), R"({"alg":"HS256"})", "{}")));
}

TEST(JwtKeys, TheSameNameMayStandForKeysOfTwoAlgorithms) {
  const auto all =
      keys(JwtKey{.id = "k", .key = crypto::JwsKey::hmac(secret(1)).value()},
           JwtKey{.id = "k", .key = crypto::JwsKey::pem(forge::ec_key().public_pem()).value()});
  EXPECT_TRUE(verified(all, forge::ec_key().jws(R"({"alg":"ES256","kid":"k"})", "{}")));
  EXPECT_EQ(fault(all, forge::rsa_key().jws(R"({"alg":"RS256","kid":"k"})", "{}")),
            JwtFault::confused_algorithm);
}

TEST(JwtKeys, RefuseNoneTooManyAndNamesakes) {
  EXPECT_FALSE(JwtKeys::make({}));
  EXPECT_FALSE(JwtKeys::from_secrets({}));
  EXPECT_FALSE(JwtKeys::from_secrets({secret(1), secret(1)}));
  EXPECT_FALSE(JwtKeys::from_secrets({secret(1), "short"}));
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i < JwtKeys::kMaxKeys; ++i)
    secrets.push_back(secret(static_cast<int>(i)));
  EXPECT_TRUE(JwtKeys::from_secrets(secrets));
  secrets.push_back(secret(99));
  EXPECT_FALSE(JwtKeys::from_secrets(secrets));
}

}  // namespace
}  // namespace portcullis::identity

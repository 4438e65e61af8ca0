#include "crypto/key_numbers.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>

#include <string>

#include "jwt_forge.hpp"

namespace portcullis::crypto {
namespace {

using forge::PrivateKey;

TEST(ReadPem, ReadsEachFormOfAnRsaKey) {
  const auto& key = forge::rsa_key();
  for (const auto& pem : {key.private_pem(), key.old_private_pem()}) {
    const auto numbers = std::get<RsaNumbers>(read_pem(pem).value());
    EXPECT_EQ(numbers.n, key.number(OSSL_PKEY_PARAM_RSA_N));
    EXPECT_EQ(numbers.e, std::string("\1\0\1", 3));
    EXPECT_EQ(numbers.d, key.number(OSSL_PKEY_PARAM_RSA_D));
    EXPECT_EQ(numbers.qi, key.number(OSSL_PKEY_PARAM_RSA_COEFFICIENT1));
  }
  const auto numbers = std::get<RsaNumbers>(read_pem(key.public_pem()).value());
  EXPECT_EQ(numbers.n, key.number(OSSL_PKEY_PARAM_RSA_N));
  EXPECT_EQ(numbers.d + numbers.p + numbers.q + numbers.dp + numbers.dq + numbers.qi, "");
}

TEST(ReadPem, ReadsEachFormOfAnEcKey) {
  const auto& key = forge::ec_key();
  for (const auto& pem : {key.private_pem(), key.old_private_pem()}) {
    const auto numbers = std::get<EcNumbers>(read_pem(pem).value());
    EXPECT_EQ(numbers.x.size(), 32U);
    EXPECT_EQ(numbers.y.size(), 32U);
    EXPECT_EQ(numbers.d.size(), 32U);
  }
  const auto numbers = std::get<EcNumbers>(read_pem(key.public_pem()).value());
  EXPECT_EQ(numbers.x, std::get<EcNumbers>(read_pem(key.private_pem()).value()).x);
  EXPECT_EQ(numbers.d, "");
}

TEST(ReadPem, CoordinatesKeepTheirLeadingZeros) {
  for (int i = 0; i < 600; ++i) {  // one key in 128 has one
    const auto numbers = std::get<EcNumbers>(read_pem(PrivateKey::ec().private_pem()).value());
    ASSERT_EQ(numbers.x.size() + numbers.y.size() + numbers.d.size(), 96U);
  }
}

TEST(ReadPem, RefusesOtherCurvesAndKinds) {
  for (const auto* curve : {"P-384", "P-521", "secp256k1"}) {
    const auto key = PrivateKey::ec(curve);
    EXPECT_EQ(read_pem(key.private_pem()).error().code, ErrorCode::invalid_input) << curve;
    EXPECT_EQ(read_pem(key.public_pem()).error().code, ErrorCode::invalid_input) << curve;
  }
  EXPECT_EQ(read_pem(PrivateKey::ed25519().private_pem()).error().code, ErrorCode::invalid_input);
}

TEST(ReadPem, AsksNobodyForAPassphrase) {
  EXPECT_EQ(read_pem(forge::ec_key().private_pem("secret")).error().code, ErrorCode::malformed);
}

TEST(ReadPem, RefusesWhatIsNoKey) {
  const std::string pem = forge::ec_key().private_pem();
  for (const auto& text :
       {std::string(), std::string("hello"), std::string("-----BEGIN PRIVATE KEY-----\n"),
        pem.substr(0, pem.size() / 2), std::string(100'000, 'A')}) {
    EXPECT_EQ(read_pem(text).error().code, ErrorCode::malformed) << text.size();
  }
  EXPECT_EQ(read_pem({}).error().code, ErrorCode::malformed);
  EXPECT_EQ(read_pem(pem + std::string(64 * 1024, '\n')).error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace portcullis::crypto

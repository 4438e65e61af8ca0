#include "crypto/jws_key.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "jwt_forge.hpp"

namespace portcullis::crypto {
namespace {

const std::string kSecret = "a secret of forty-eight bytes, random as it were";

std::string decoded(std::string_view text) { return text::base64url_decode(text).value(); }

// RFC 7515 appendix A.1 to A.3 and RFC 7519 section 3.1 share their payload.
constexpr std::string_view kJoe =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
constexpr std::string_view kA1Key =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view kA2Modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdb"
    "BYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D"
    "WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

// RFC 7520 section 4: one payload, keys of section 3.
constexpr std::string_view kFrodo =
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250by"
    "B0"
    "aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW"
    "91"
    "IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
constexpr std::string_view kBaggins =
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_"
    "AJmSCpMa"
    "JMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-"
    "OfVfHd1E6c"
    "S6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_"
    "vniUFAKwuCLqKnS2BYwd"
    "q_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

JwsKey rsa_public(std::string_view modulus) {
  return JwsKey::rsa({.n = decoded(modulus), .e = decoded("AQAB")}).value();
}

/// The token verifies as it stands, and no longer when any character of it is another.
void expect_vector(const JwsKey& key, const std::string& token) {
  EXPECT_TRUE(key.verify(token));
  for (std::size_t i = token.find('.') + 1; i < token.size(); ++i) {
    if (token[i] == '.') continue;
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (text::base64url_decode(changed.substr(changed.rfind('.') + 1))) {
      EXPECT_FALSE(key.verify(changed)) << i;
    }
  }
}

TEST(JwsKey, AgreesWithRfc7515A1AndRfc7519) {
  expect_vector(JwsKey::hmac(decoded(kA1Key)).value(),
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(kJoe) +
                    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(JwsKey, AgreesWithRfc7515A2) {
  expect_vector(
      rsa_public(kA2Modulus),
      "eyJhbGciOiJSUzI1NiJ9." + std::string(kJoe) +
          ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
          "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIAR"
          "NPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvh"
          "J1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
}

TEST(JwsKey, AgreesWithRfc7515A3) {
  const EcNumbers numbers{.x = decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                          .y = decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
                          .d = decoded("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")};
  const auto key = JwsKey::ec(numbers);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_TRUE(key->can_sign());
  expect_vector(*key,
                "eyJhbGciOiJFUzI1NiJ9." + std::string(kJoe) +
                    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTU"
                    "JqPP3-Kg6NU1Q");
}

TEST(JwsKey, AgreesWithRfc7520Section41) {
  expect_vector(rsa_public(kBaggins),
                "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." +
                    std::string(kFrodo) +
                    ".MRjdkly7_-"
                    "oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83"
                    "xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
                    "qHRD68BNt1uSNCrUCTJDt"
                    "5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_"
                    "de3xyIrDaLGdjluPxUAhb6L2aXic1U12pod"
                    "GU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg");
}

TEST(JwsKey, AgreesWithRfc7520Section44) {
  expect_vector(
      JwsKey::hmac(decoded("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg")).value(),
      "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." +
          std::string(kFrodo) + ".s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0");
}

TEST(JwsKey, SignsWithEachAlgorithmWhatOpensslWouldSign) {
  const auto header = [](const JwsKey& key) {
    return R"({"alg":")" + std::string(name_of(key.algorithm())) + R"(","typ":"at+jwt","kid":")" +
           key.id() + R"("})";
  };
  for (const auto& key : {JwsKey::hmac(kSecret), JwsKey::pem(forge::rsa_key().private_pem()),
                          JwsKey::pem(forge::ec_key().private_pem())}) {
    ASSERT_TRUE(key && key->can_sign());
    const auto token = key->sign({.type = "at+jwt", .key = key->id()}, R"({"sub":"a"})");
    EXPECT_TRUE(token.starts_with(forge::signing_input(header(*key), R"({"sub":"a"})") + '.'));
    EXPECT_TRUE(key->verify(token));
    if (key->algorithm() == JwsAlgorithm::hs256) {
      EXPECT_EQ(token, forge::hs256(kSecret, header(*key), R"({"sub":"a"})"));
    } else if (key->algorithm() == JwsAlgorithm::rs256) {
      EXPECT_EQ(token, forge::rsa_key().jws(header(*key), R"({"sub":"a"})"));
    }
  }
}

TEST(JwsKey, APublicKeyVerifiesOnly) {
  for (const auto* pair : {&forge::rsa_key(), &forge::ec_key()}) {
    const auto full = JwsKey::pem(pair->private_pem()).value();
    const auto half = JwsKey::pem(pair->public_pem()).value();
    EXPECT_FALSE(half.can_sign());
    EXPECT_EQ(half.id(), full.id());
    EXPECT_TRUE(half.verify(full.sign({.type = "JWT", .key = full.id()}, "{}")));
  }
}

TEST(JwsKey, RefusesWeakKeys) {
  EXPECT_FALSE(JwsKey::hmac(std::string(31, 'x')));
  EXPECT_FALSE(JwsKey::hmac(""));
  EXPECT_TRUE(JwsKey::hmac(std::string(32, 'x')));
  for (const unsigned bits : {1024U, 2040U}) {
    const auto weak = forge::PrivateKey::rsa(bits);
    EXPECT_EQ(JwsKey::pem(weak.private_pem()).error().code, ErrorCode::invalid_input) << bits;
    EXPECT_EQ(JwsKey::pem(weak.public_pem()).error().code, ErrorCode::invalid_input) << bits;
  }
}

TEST(JwsKey, RefusesRsaNumbersThatAreNoKey) {
  const auto good = std::get<RsaNumbers>(read_pem(forge::rsa_key().public_pem()).value());
  EXPECT_TRUE(JwsKey::rsa(good));
  const auto with = [&](auto change) {
    auto numbers = good;
    change(numbers);
    return JwsKey::rsa(numbers).has_value();
  };
  EXPECT_TRUE(with([](auto& k) { k.n.insert(0, 1, '\0'); })) << "a leading zero";
  EXPECT_FALSE(with([](auto& k) { k.n.clear(); }));
  EXPECT_FALSE(with([](auto& k) { k.n = std::string(256, '\0'); }));
  EXPECT_FALSE(with([](auto& k) { k.n.back() = '\2'; })) << "even modulus";
  EXPECT_FALSE(with([](auto& k) { k.n.insert(0, 800, '\x7f'); })) << "8448 bits";
  EXPECT_FALSE(with([](auto& k) { k.e.clear(); }));
  EXPECT_FALSE(with([](auto& k) { k.e = "\1"; })) << "e = 1: every message signs itself";
  EXPECT_FALSE(with([](auto& k) { k.e = "\2"; }));
  EXPECT_FALSE(with([](auto& k) { k.e = std::string(5, '\1'); })) << "a slow exponent";
}

TEST(JwsKey, RefusesPointsThatAreNotOnTheCurve) {
  const auto good = std::get<EcNumbers>(read_pem(forge::ec_key().public_pem()).value());
  EXPECT_TRUE(JwsKey::ec(good));
  const auto with = [&](auto change) {
    auto numbers = good;
    change(numbers);
    return JwsKey::ec(numbers).has_value();
  };
  EXPECT_FALSE(with([](auto& k) { k.x.back() = static_cast<char>(k.x.back() ^ 1); }));
  EXPECT_FALSE(with([](auto& k) { std::swap(k.x, k.y); }));
  EXPECT_FALSE(with([](auto& k) { k.x = k.y = std::string(32, '\0'); })) << "infinity";
  EXPECT_FALSE(with([](auto& k) { k.x = k.y = std::string(32, '\xff'); })) << "beyond the field";
  EXPECT_FALSE(with([](auto& k) { k.x.erase(0, 1); }));
  EXPECT_FALSE(with([](auto& k) { k.y.insert(0, 1, '\0'); }));
}

TEST(JwsKey, RefusesAPrivateKeyOfAnotherPublicKey) {
  auto rsa = std::get<RsaNumbers>(read_pem(forge::rsa_key().private_pem()).value());
  rsa.d = std::get<RsaNumbers>(read_pem(forge::other_rsa_key().private_pem()).value()).d;
  rsa.p = rsa.q = rsa.dp = rsa.dq = rsa.qi = "";
  EXPECT_FALSE(JwsKey::rsa(rsa));
  auto ec = std::get<EcNumbers>(read_pem(forge::ec_key().private_pem()).value());
  ec.d = std::get<EcNumbers>(read_pem(forge::other_ec_key().private_pem()).value()).d;
  EXPECT_FALSE(JwsKey::ec(ec));
}

TEST(JwsKey, IsNamedByItsThumbprint) {
  // The example of RFC 7638 section 3.1, cut to 16 characters.
  EXPECT_EQ(
      rsa_public(
          "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6"
          "tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65"
          "YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdk"
          "t-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK"
          "gw")
          .id(),
      "NzbLsXh8uDCcd-6M");
}

TEST(JwsKey, TheNameOfASecretFollowsFromItAndIsNoPlainHash) {
  const auto id = JwsKey::hmac(kSecret)->id();
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(JwsKey::hmac(kSecret)->id(), id);
  EXPECT_NE(JwsKey::hmac(kSecret + "x")->id(), id);
  EXPECT_FALSE(text::base64url(bytes_of(sha256(kSecret))).starts_with(id));
  EXPECT_FALSE(text::base64url(bytes_of(HmacKey(kSecret).sign(""))).starts_with(id));
}

TEST(JwsKey, ASignatureHasOneLength) {
  const std::string header = R"({"alg":"ES256"})";
  const auto key = JwsKey::pem(forge::ec_key().public_pem()).value();
  const auto signature = forge::ec_key().jws_signature(forge::signing_input(header, "{}"));
  EXPECT_TRUE(key.verify(forge::compact(header, "{}", signature)));
  EXPECT_FALSE(key.verify(forge::compact(header, "{}", signature + '\0')));
  EXPECT_FALSE(key.verify(forge::compact(header, "{}", signature.substr(0, 63))));
  EXPECT_FALSE(key.verify(forge::compact(header, "{}", "")));
}

TEST(JwsKey, AFailureLeavesNoErrorBehindForTls) {
  const auto key = JwsKey::pem(forge::rsa_key().public_pem()).value();
  EXPECT_FALSE(key.verify(forge::compact(R"({"alg":"RS256"})", "{}", std::string(256, '\1'))));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(JwsKey::pem("no key"));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(JwsKey::ec({.x = std::string(32, '\1'), .y = std::string(32, '\1')}));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(JwsKey, ManyThreadsUseOneKey) {
  for (const auto& key : {JwsKey::hmac(kSecret), JwsKey::pem(forge::rsa_key().private_pem()),
                          JwsKey::pem(forge::ec_key().private_pem())}) {
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 20; ++n) {
          const auto token = key->sign({.type = "JWT", .key = key->id()}, std::to_string(n));
          good += key->verify(token) ? 1 : 0;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 80);
  }
}

TEST(JwsAlgorithm, NamesAreExact) {
  for (const auto* name : {"none", "None", "NONE", "hs256", "HS256 ", "HS384", "PS256", "ES512",
                           "EdDSA", "", "HS25", "RS256\n"}) {
    EXPECT_FALSE(jws_algorithm(name)) << name;
  }
  for (const auto* name : {"HS256", "RS256", "ES256"}) {
    EXPECT_EQ(name_of(jws_algorithm(name).value()), name);
  }
}

}  // namespace
}  // namespace portcullis::crypto

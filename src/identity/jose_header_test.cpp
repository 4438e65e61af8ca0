#include "identity/jose_header.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"
#include "jwt_forge.hpp"

namespace portcullis::identity {
namespace {

std::string token(std::string_view header) { return forge::compact(header, "{}", "signature"); }

TEST(JoseHeader, IsReadWithItsPayload) {
  const std::string text =
      forge::compact(R"({"alg":"ES256","kid":"a-1","typ":"at+JWT","cty":"x","nonce":[{"a":1}]})",
                     R"({"sub":"a"})", "signature");
  const auto jws = read_compact_jws(text);
  ASSERT_TRUE(jws) << jws.error().text();
  EXPECT_EQ(jws->header.algorithm, crypto::JwsAlgorithm::es256);
  EXPECT_EQ(jws->header.key, "a-1");
  EXPECT_EQ(jws->header.type, "at+jwt");
  EXPECT_EQ(jws->payload, R"({"sub":"a"})");
  EXPECT_EQ(jws->compact, text);
}

TEST(JoseHeader, KeyAndTypeMayBeMissing) {
  const auto jws = read_compact_jws(token(R"({"alg":"HS256"})"));
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->header.key, "");
  EXPECT_EQ(jws->header.type, "");
}

TEST(JoseHeader, TypesAreComparedWithoutCaseAndApplication) {
  EXPECT_EQ(jose_type("JWT"), "jwt");
  EXPECT_EQ(jose_type("application/at+jwt"), "at+jwt");
  EXPECT_EQ(jose_type("APPLICATION/AT+JWT"), "at+jwt");
  EXPECT_EQ(jose_type("text/at+jwt"), "text/at+jwt");
  EXPECT_EQ(jose_type("applicationat+jwt"), "applicationat+jwt");
}

TEST(JoseHeader, ThumbprintsOfCertificatesAreIgnoredOnlyWhereThatIsAllowed) {
  for (const auto* member : {"x5t", "x5t#S256"}) {
    const auto text = token(R"({"alg":"RS256",")" + std::string(member) + R"(":"abc"})");
    EXPECT_EQ(read_compact_jws(text).error().fault, JwtFault::forbidden_header);
    EXPECT_EQ(read_compact_jws(text).error().member, member);
    EXPECT_TRUE(read_compact_jws(text, {.thumbprints = Thumbprints::ignored}));
  }
}

TEST(JoseHeader, TheBoundsAreExact) {
  const auto padded = [](std::size_t bytes) {
    const std::string head = R"({"alg":"HS256","x":")";
    return head + std::string(bytes - head.size() - 2, 'a') + R"("})";
  };
  EXPECT_TRUE(read_compact_jws(token(padded(kMaxJoseHeaderBytes))));
  EXPECT_EQ(read_compact_jws(token(padded(kMaxJoseHeaderBytes + 1))).error().fault,
            JwtFault::too_large);
  std::string longest = token(R"({"alg":"HS256"})");
  longest.insert(longest.find('.') + 1, (kMaxJwtBytes - longest.size()) / 4 * 4, 'A');
  EXPECT_TRUE(read_compact_jws(longest)) << longest.size();
  longest.insert(longest.find('.') + 1, 4, 'A');
  EXPECT_EQ(read_compact_jws(longest).error().fault, JwtFault::too_large);
  EXPECT_TRUE(is_key_id(std::string(kMaxKeyIdBytes, 'a')));
  EXPECT_FALSE(is_key_id(std::string(kMaxKeyIdBytes + 1, 'a')));
}

TEST(JoseHeader, NoCharacterOfATokenCanBeLeftOutOfTheReading) {
  const std::string good = token(R"({"alg":"HS256","kid":"k"})");
  for (std::size_t i = 0; i <= good.size(); ++i) {
    for (const char c : {' ', '\n', '=', '+', '/', '.', '\0', '\xff', '"'}) {
      EXPECT_FALSE(read_compact_jws(std::string(good).insert(i, 1, c))) << i << " " << int{c};
    }
  }
}

TEST(JwtRefusal, TellsCodeAndMember) {
  EXPECT_EQ((JwtRefusal{JwtFault::too_large}).text(), "JWT_001");
  EXPECT_EQ((JwtRefusal{JwtFault::expired, "exp"}).text(), "JWT_014 exp");
  for (std::size_t i = 0; i < kJwtFaults; ++i) {
    const auto number = std::to_string(i + 1);
    EXPECT_EQ(code_of(static_cast<JwtFault>(i)),
              "JWT_" + std::string(3 - number.size(), '0') + number);
  }
}

}  // namespace
}  // namespace portcullis::identity

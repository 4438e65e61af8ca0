#include "identity/visitor_identity.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "jwt_forge.hpp"
#include "temporary_folder.hpp"

namespace portcullis::identity {
namespace {

using config::IdentityForm;
using config::VisitorIdentitySettings;

const WallTime kNow = from_epoch_seconds(1'800'000'000);
const std::string kSecret = "q8Zr3mXv5Kp0Lw7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5";
const std::string kHeader = R"({"alg":"HS256","typ":"JWT"})";

struct Claims {
  std::string issuer = "https://shop.example";
  std::string audience = "portcullis";
  std::string subject = "user-7";
  std::int64_t issued = 1'800'000'000;
  std::int64_t expires = 1'800'000'300;

  std::string json() const {
    return R"({"iss":")" + issuer + R"(","aud":")" + audience + R"(","sub":")" + subject +
           R"(","iat":)" + std::to_string(issued) + R"(,"exp":)" + std::to_string(expires) + "}";
  }
};

VisitorIdentity of(const std::function<void(VisitorIdentitySettings&)>& change = {}) {
  VisitorIdentitySettings settings{
      .secret = kSecret, .key_file = {}, .issuer = "https://shop.example"};
  if (change) change(settings);
  auto made = VisitorIdentity::make(settings);
  EXPECT_TRUE(made) << made.error().detail;
  return *std::move(made);
}
std::string outcome(const VisitorIdentity& site, const ShownIdentity& shown) {
  const auto user = site.verify(shown, kNow);
  return user ? "user " + *user : user.error().text();
}
std::string outcome(const Claims& claims, const std::string& header = kHeader,
                    const std::string& secret = kSecret) {
  return outcome(of(), {.token = forge::hs256(secret, header, claims.json())});
}

TEST(VisitorIdentity, BelievesTheTokenOfItsSite) {
  EXPECT_EQ(outcome(Claims{}), "user user-7");
  EXPECT_EQ(outcome(Claims{}, R"({"alg":"HS256"})"), "user user-7");
  EXPECT_EQ(outcome({.subject = "Zoë 😀"}), "user Zoë 😀");
  EXPECT_EQ(outcome({.subject = std::string(256, 'a')}), "user " + std::string(256, 'a'));
}

TEST(VisitorIdentity, BelievesNothingElse) {
  EXPECT_EQ(outcome({.audience = "another"}), "JWT_013 aud");
  EXPECT_EQ(outcome({.issuer = "https://other.example"}), "JWT_012 iss");
  EXPECT_EQ(outcome({.issued = 1'799'999'000, .expires = 1'799'999'900}), "JWT_014 exp");
  EXPECT_EQ(outcome({.issued = 1'800'000'100, .expires = 1'800'000'200}), "JWT_015 nbf");
  EXPECT_EQ(outcome({.expires = 1'800'003'601}), "JWT_017 exp") << "longer than an hour";
  EXPECT_EQ(outcome({.subject = ""}), "JWT_009 sub");
  EXPECT_EQ(outcome({.subject = std::string(257, 'a')}), "JWT_009 sub");
  EXPECT_EQ(outcome({.subject = "a\\u0000b"}), "JWT_009 sub");
  EXPECT_EQ(outcome(Claims{}, kHeader, kSecret + "x"), "JWT_008") << "another site's secret";
  EXPECT_EQ(outcome(Claims{}, R"({"alg":"none"})"), "JWT_004 alg");
  EXPECT_EQ(outcome(Claims{}, R"({"alg":"RS256"})"), "JWT_006 kid");
  EXPECT_EQ(outcome(Claims{}, R"({"alg":"HS256","typ":"at+jwt"})"), "JWT_011 typ");
  EXPECT_EQ(outcome(Claims{}, R"({"alg":"HS256","jwk":{}})"), "JWT_005 jwk");
  EXPECT_EQ(outcome(of(), {.user = "user-7", .hash = "00"}), "JWT_010 user_token");
  EXPECT_EQ(outcome(of(), {.token = "nonsense"}), "JWT_002");
}

TEST(VisitorIdentity, BelievesTheHashOfAnIdWhereThatIsTheForm) {
  const auto site = of([](auto& s) { s.form = IdentityForm::hash; });
  const auto hash = text::hex(crypto::bytes_of(crypto::HmacKey(kSecret).sign("user-7")));
  EXPECT_EQ(outcome(site, {.user = "user-7", .hash = hash}), "user user-7");
  EXPECT_EQ(outcome(site, {.user = "user-7", .hash = text::to_upper(hash)}), "user user-7");
  EXPECT_EQ(outcome(site, {.user = "user-8", .hash = hash}), "JWT_008 user_hash");
  EXPECT_EQ(outcome(site, {.user = "user-7", .hash = hash.substr(1)}), "JWT_008 user_hash");
  EXPECT_EQ(outcome(site, {.user = "user-7", .hash = ""}), "JWT_008 user_hash");
  EXPECT_EQ(outcome(site, {.user = "", .hash = hash}), "JWT_009 user_id");
  EXPECT_EQ(outcome(site, {.user = "a\nb", .hash = hash}), "JWT_009 user_id");
}

TEST(VisitorIdentity, OneFormIsNotTakenForTheOther) {
  // Whoever may choose his name has the site hash what it would sign of a token.
  const std::string name = forge::signing_input(kHeader, Claims{.subject = "admin"}.json());
  const auto mac = crypto::HmacKey(kSecret).sign(name);
  const std::string token = name + '.' + text::base64url(crypto::bytes_of(mac));
  const auto site = of([](auto& s) { s.form = IdentityForm::hash; });
  EXPECT_EQ(outcome(site, {.token = token}), "JWT_009 user_id");
  EXPECT_EQ(outcome(site, {.token = token, .user = "admin", .hash = "00"}), "JWT_008 user_hash");
}

TEST(VisitorIdentity, TakesAPublicKeyOrASetOfThem) {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& text) {
    const auto path = folder.path() / "key";
    std::ofstream(path, std::ios::trunc) << text;
    return path.string();
  };
  const auto by = [&](const std::string& text) {
    return VisitorIdentity::make(
        {.secret = {}, .key_file = file(text), .issuer = "https://shop.example"});
  };
  const auto es = by(forge::ec_key().public_pem());
  ASSERT_TRUE(es) << es.error().detail;
  const std::string header = R"({"alg":"ES256","typ":"JWT","kid":"whatever"})";
  EXPECT_EQ(outcome(*es, {.token = forge::ec_key().jws(header, Claims{}.json())}), "user user-7");
  EXPECT_EQ(outcome(*es, {.token = forge::other_ec_key().jws(header, Claims{}.json())}), "JWT_008");
  EXPECT_EQ(
      outcome(*es, {.token = forge::hs256(forge::ec_key().public_pem(), kHeader, Claims{}.json())}),
      "JWT_006 kid")
      << "the public key is no secret";
  const auto rs = by(R"({"keys":[{"kid":"r","kty":"RSA","n":")" +
                     text::base64url(forge::rsa_key().number("n")) + R"(","e":"AQAB"}]})");
  ASSERT_TRUE(rs) << rs.error().detail;
  EXPECT_EQ(outcome(*rs, {.token = forge::rsa_key().jws(R"({"alg":"RS256","kid":"r"})",
                                                        Claims{}.json())}),
            "user user-7");
  EXPECT_FALSE(by(forge::ec_key().private_pem())) << "who may sign is the site alone";
  EXPECT_FALSE(by("nonsense"));
  EXPECT_FALSE(by(R"({"keys":[]})"));
  EXPECT_FALSE(VisitorIdentity::make({.secret = {}, .key_file = "/no/such/file", .issuer = "a"}));
}

}  // namespace
}  // namespace portcullis::identity

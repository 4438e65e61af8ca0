#include "identity/totp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "base/base32.hpp"

namespace portcullis::identity {
namespace {

/// Of both appendices.
constexpr std::string_view kSecret = "12345678901234567890";
const WallTime kNow = from_epoch_seconds(1'800'000'000);

std::string code_at(WallTime time) {
  return hotp(kSecret, static_cast<std::uint64_t>(totp_step(time)));
}

TEST(Hotp, AgreesWithAppendixDOfRfc4226) {
  constexpr auto kCodes =
      std::to_array<std::string_view>({"755224", "287082", "359152", "969429", "338314", "254676",
                                       "287922", "162583", "399871", "520489"});
  for (std::size_t count = 0; count < kCodes.size(); ++count) {
    EXPECT_EQ(hotp(kSecret, count), kCodes[count]);
  }
}

TEST(Totp, AgreesWithAppendixBOfRfc6238) {
  const std::pair<std::int64_t, std::string> cases[] = {{59, "94287082"},
                                                        {1'111'111'109, "07081804"},
                                                        {1'111'111'111, "14050471"},
                                                        {1'234'567'890, "89005924"},
                                                        {2'000'000'000, "69279037"},
                                                        {20'000'000'000, "65353130"}};
  for (const auto& [seconds, eight_digits] : cases) {
    // The appendix shows eight digits, of which the last six are ours.
    const auto step = static_cast<std::uint64_t>(seconds / kTotpStep.count());
    EXPECT_EQ(hotp(kSecret, step), eight_digits.substr(2)) << seconds;
  }
  EXPECT_EQ(totp_step(from_epoch_seconds(59)), 1);
  EXPECT_EQ(totp_step(from_epoch_seconds(1'234'567'890)), 0x273EF07);
}

TEST(Totp, AcceptsTheStepOfNowAndItsNeighbours) {
  for (const int drift : {-1, 0, 1}) {
    EXPECT_EQ(accepted_totp_step(kSecret, code_at(kNow + drift * kTotpStep), 0, kNow),
              totp_step(kNow) + drift);
  }
  for (const int drift : {-2, 2}) {
    EXPECT_EQ(accepted_totp_step(kSecret, code_at(kNow + drift * kTotpStep), 0, kNow),
              std::nullopt);
  }
}

TEST(Totp, AUsedStepIsNeverAcceptedAgain) {
  const auto step = totp_step(kNow);
  const auto code = code_at(kNow);
  EXPECT_EQ(accepted_totp_step(kSecret, code, step - 1, kNow), step);
  EXPECT_EQ(accepted_totp_step(kSecret, code, step, kNow), std::nullopt);
  EXPECT_EQ(accepted_totp_step(kSecret, code_at(kNow - kTotpStep), step, kNow), std::nullopt)
      << "nor one from before it";
  EXPECT_EQ(accepted_totp_step(kSecret, code_at(kNow + kTotpStep), step, kNow), step + 1);
}

TEST(Totp, RefusesWhatIsNotSixDigits) {
  const auto code = code_at(kNow);
  for (const auto& bad :
       {std::string(), code.substr(1), code + "0", " " + code.substr(1), "+" + code.substr(1),
        code.substr(0, 5) + "x", std::string(1'000'000, '0'), code.substr(0, 5) + '\0'}) {
    EXPECT_EQ(accepted_totp_step(kSecret, bad, 0, kNow), std::nullopt);
  }
  EXPECT_EQ(accepted_totp_step(kSecret, hotp(kSecret, 0), -1, from_epoch_seconds(3)), 0)
      << "there is no step before the first";
}

TEST(Totp, SecretsHave160RandomBits) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto secret = new_totp_secret();
    EXPECT_EQ(secret.size(), 20U);
    EXPECT_EQ(text::base32(secret).size(), 32U) << "no padding is left out";
    EXPECT_TRUE(seen.insert(secret).second);
  }
}

TEST(Totp, TheUriSaysAllThatAProgramNeeds) {
  EXPECT_EQ(totp_uri("Portcullis", "alice@example.com", kSecret),
            "otpauth://totp/Portcullis:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&issuer=Portcullis&algorithm=SHA1&digits=6&period=30");
  EXPECT_TRUE(totp_uri("A&B: C", "x?secret=1", kSecret)
                  .starts_with("otpauth://totp/A%26B%3A%20C:x%3Fsecret%3D1?secret="));
}

TEST(TotpVault, OpensForTheUserItWasSealedFor) {
  const TotpVault vault({"a secret of enough bytes to derive from"});
  const auto sealed = vault.seal("user-1", kSecret);
  EXPECT_EQ(sealed.find(kSecret), std::string::npos);
  EXPECT_EQ(vault.open("user-1", sealed), kSecret);
  EXPECT_EQ(vault.open("user-2", sealed), std::nullopt);
  EXPECT_EQ(vault.open("user-1", sealed.substr(1)), std::nullopt);
  EXPECT_NE(vault.seal("user-1", kSecret), sealed);
}

TEST(TotpVault, OldSecretsOpenAsLongAsTheyAreNamed) {
  const auto sealed = TotpVault({"the old one"}).seal("user-1", kSecret);
  EXPECT_EQ(TotpVault({"a new one", "the old one"}).open("user-1", sealed), kSecret);
  EXPECT_EQ(TotpVault({"a new one"}).open("user-1", sealed), std::nullopt);
}

}  // namespace
}  // namespace portcullis::identity

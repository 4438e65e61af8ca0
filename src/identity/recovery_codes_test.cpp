#include "identity/recovery_codes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace portcullis::identity {
namespace {

TEST(RecoveryCodes, AreTenDifferentOnes) {
  const RecoveryCodes codes({"a secret to derive from"});
  const auto made = codes.make("user-1");
  ASSERT_EQ(made.texts.size(), RecoveryCodes::kCount);
  EXPECT_EQ(std::set<std::string>(made.texts.begin(), made.texts.end()).size(), 10U);
  for (std::size_t i = 0; i < made.texts.size(); ++i) {
    EXPECT_EQ(made.texts[i].size(), 19U);
    EXPECT_EQ(made.hashes[i].size(), 32U);
    EXPECT_EQ(codes.hashes_of("user-1", made.texts[i]), std::vector{made.hashes[i]});
    EXPECT_NE(codes.hashes_of("user-2", made.texts[i]), std::vector{made.hashes[i]});
  }
}

TEST(RecoveryCodes, AreReadAsPeopleTypeThem) {
  const RecoveryCodes codes({"a secret to derive from"});
  const auto made = codes.make("user-1");
  const std::vector expected{made.hashes[0]};
  std::string plain = made.texts[0];
  std::erase(plain, '-');
  std::string spaced = made.texts[0];
  std::ranges::replace(spaced, '-', ' ');
  for (const auto& typed : {plain, spaced, text::to_lower(plain), " " + made.texts[0] + " "}) {
    EXPECT_EQ(codes.hashes_of("user-1", typed), expected) << typed;
  }
  for (const auto& bad : {std::string(), plain.substr(1), plain + "A", "0" + plain.substr(1),
                          plain + '\0', std::string(1'000'000, ' ') + plain}) {
    EXPECT_TRUE(codes.hashes_of("user-1", bad).empty());
  }
}

TEST(RecoveryCodes, OldSecretsAreTriedAsLongAsTheyAreNamed) {
  const auto made = RecoveryCodes({"the old one"}).make("user-1");
  const auto tried = RecoveryCodes({"a new one", "the old one"}).hashes_of("user-1", made.texts[0]);
  ASSERT_EQ(tried.size(), 2U);
  EXPECT_EQ(tried[1], made.hashes[0]);
  EXPECT_NE(tried[0], made.hashes[0]);
}

}  // namespace
}  // namespace portcullis::identity

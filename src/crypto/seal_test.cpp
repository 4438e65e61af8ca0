#include "crypto/seal.hpp"

#include <gtest/gtest.h>

#include <set>

namespace portcullis::crypto {
namespace {

const std::string kKey(32, 'k');

TEST(Seal, OpensWhatItSealedAndNothingElse) {
  for (const std::string text : {"", "a", "Grüße, 你好", "x"}) {
    const auto sealed = seal(kKey, "here", text);
    EXPECT_EQ(sealed.size(), text.size() + 28);
    EXPECT_EQ(open_sealed(kKey, "here", sealed), text);
    EXPECT_EQ(open_sealed(std::string(32, 'l'), "here", sealed), std::nullopt) << "another key";
    EXPECT_EQ(open_sealed(kKey, "there", sealed), std::nullopt) << "another place";
  }
  const std::string large(300'000, 'y');
  EXPECT_EQ(open_sealed(kKey, "", seal(kKey, "", large)), large);
}

TEST(Seal, EveryChangedByteIsFound) {
  const auto sealed = seal(kKey, "", "attack at dawn");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(open_sealed(kKey, "", changed), std::nullopt) << i;
    EXPECT_EQ(open_sealed(kKey, "", sealed.substr(0, i)), std::nullopt) << "cut at " << i;
  }
}

TEST(Seal, TheSameTextNeverLooksTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(seal(kKey, "", "same")).second);
}

}  // namespace
}  // namespace portcullis::crypto

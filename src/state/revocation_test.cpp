#include "state/revocation.hpp"

#include <gtest/gtest.h>

namespace portcullis::state {
namespace {

constexpr Key kToken{1, 1};
constexpr Key kOther{2, 2};

WallTime at(std::int64_t seconds) { return from_epoch_seconds(1'000'000 + seconds); }

TEST(RevocationTable, VoidsWhatWasIssuedBeforeAndNothingElse) {
  RevocationTable table(10);
  table.add({kToken, at(100), at(500)}, at(0));
  EXPECT_TRUE(table.is_revoked(kToken, at(99), at(110)));
  EXPECT_FALSE(table.is_revoked(kToken, at(100), at(110))) << "issued at that time is issued anew";
  EXPECT_FALSE(table.is_revoked(kOther, at(99), at(110)));
  EXPECT_FALSE(table.is_revoked(kToken, at(99), at(500))) << "it has expired by itself";
}

TEST(RevocationTable, WhatIsKnownOfAKeyOnlyGrows) {
  RevocationTable table(10);
  table.add({kToken, at(100), at(500)}, at(0));
  table.add({kToken, at(50), at(300)}, at(0));
  EXPECT_TRUE(table.is_revoked(kToken, at(99), at(400)));
  table.add({kToken, at(200), at(600)}, at(0));
  EXPECT_TRUE(table.is_revoked(kToken, at(199), at(599)));
  EXPECT_EQ(table.size(), 1);
}

TEST(RevocationTable, ForgetsWhatIsOver) {
  RevocationTable table(10);
  table.add({kToken, at(100), at(500)}, at(0));
  table.add({kOther, at(100), at(900)}, at(500));
  EXPECT_EQ(table.size(), 1);
  table.add({kToken, at(100), at(400)}, at(500));
  EXPECT_EQ(table.size(), 1) << "over before it began";
}

TEST(RevocationTable, OfMoreThanItsCapacityTheFirstToBeForgottenGivesWay) {
  RevocationTable table(100);
  for (std::uint64_t i = 0; i < 150; ++i) {
    table.add({{i, i}, at(100), at(1000 + static_cast<std::int64_t>(i))}, at(0));
  }
  EXPECT_EQ(table.size(), 100);
  EXPECT_FALSE(table.is_revoked({49, 49}, at(1), at(2)));
  EXPECT_TRUE(table.is_revoked({50, 50}, at(1), at(2)));
}

}  // namespace
}  // namespace portcullis::state

#include "state/claim_table.hpp"

#include <gtest/gtest.h>

namespace portcullis::state {
namespace {

using Use = Claim::Use;

Claim claim(std::uint64_t session, std::uint64_t presenter, Use use = Use::take) {
  return {{session, session}, {presenter, presenter}, use};
}

TEST(ClaimTable, RemembersWhoPresentedASession) {
  ClaimTable table(10);
  EXPECT_EQ(table.visit(claim(1, 1, Use::look)), ClaimStanding::unknown);
  EXPECT_EQ(table.size(), 0U) << "asking remembers nothing";
  EXPECT_EQ(table.visit(claim(1, 1)), ClaimStanding::unknown);
  EXPECT_EQ(table.visit(claim(1, 1)), ClaimStanding::own);
  EXPECT_EQ(table.visit(claim(1, 2, Use::look)), ClaimStanding::foreign);
  EXPECT_EQ(table.visit(claim(1, 2)), ClaimStanding::foreign);
  EXPECT_EQ(table.visit(claim(1, 2, Use::look)), ClaimStanding::own);
  EXPECT_EQ(table.visit(claim(1, 1, Use::look)), ClaimStanding::own) << "the first one stays";
  EXPECT_EQ(table.visit(claim(2, 2, Use::look)), ClaimStanding::unknown) << "another session";
}

TEST(ClaimTable, KeepsTheFirstPresenterHoweverManyFollow) {
  ClaimTable table(10);
  for (std::uint64_t presenter = 1; presenter <= 20; ++presenter) table.visit(claim(1, presenter));
  EXPECT_EQ(table.visit(claim(1, 1, Use::look)), ClaimStanding::own);
  EXPECT_EQ(table.visit(claim(1, 2, Use::look)), ClaimStanding::foreign);
  for (std::uint64_t presenter = 18; presenter <= 20; ++presenter) {
    EXPECT_EQ(table.visit(claim(1, presenter, Use::look)), ClaimStanding::own) << presenter;
  }
}

TEST(ClaimTable, ForgetsTheSessionThatWasSilentLongest) {
  ClaimTable table(2);
  table.visit(claim(1, 1));
  table.visit(claim(2, 1));
  table.visit(claim(1, 1, Use::look));
  table.visit(claim(2, 9, Use::look));  // a stranger keeps nothing young
  table.visit(claim(3, 1));
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.visit(claim(1, 1, Use::look)), ClaimStanding::own);
  EXPECT_EQ(table.visit(claim(2, 1, Use::look)), ClaimStanding::unknown);
}

}  // namespace
}  // namespace portcullis::state

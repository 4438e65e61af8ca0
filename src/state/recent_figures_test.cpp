#include "state/recent_figures.hpp"

#include "proves.hpp"

namespace portcullis::state {
namespace {

TEST(RecentFigures, AStoreIsCountedOnceASecondHoweverOftenItIsAsked) {
  ManualClock clock;
  std::size_t counts = 0;
  const RecentFigures recent([&] { return StoreFigures{.sessions = ++counts}; }, clock);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(recent.get().sessions, 1U);
  clock.advance(Milliseconds{999});
  EXPECT_EQ(recent.get().sessions, 1U);
  clock.advance(Milliseconds{1});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(recent.get().sessions, 2U);
  EXPECT_EQ(counts, 2U);
}

}  // namespace
}  // namespace portcullis::state

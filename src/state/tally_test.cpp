#include "state/tally.hpp"

#include <gtest/gtest.h>

#include "proves.hpp"
#include "state/memory_store.hpp"

namespace portcullis::state {
namespace {

class TallyTest : public testing::Test {
 protected:
  std::int64_t ask(const AdmitRequest& request) {
    return Tally::count(*store_.admit(request).value());
  }

  ManualClock clock_;
  MemoryStore store_{{}, clock_};
};

TEST_F(TallyTest, CountsWhatWasAddedWithinItsWindow) {
  const Tally tally("tally", key_of("tally", "a"), Seconds{60});
  EXPECT_EQ(ask(tally.asking()), 0);
  EXPECT_EQ(ask(tally.adding()), 1);
  EXPECT_EQ(ask(tally.adding()), 2);
  EXPECT_EQ(ask(tally.asking()), 2) << "asking changes nothing";
  EXPECT_EQ(ask(Tally("tally", key_of("tally", "b"), Seconds{60}).asking()), 0);
  clock_.advance(Seconds{60});
  EXPECT_EQ(ask(tally.asking()), 2);
  clock_.advance(Seconds{6});
  EXPECT_EQ(ask(tally.asking()), 0);
}

TEST_F(TallyTest, AStoreWithoutLimitsCountsNothing) { EXPECT_EQ(Tally::count({}), 0); }

TEST_F(TallyTest, SessionsAreCountedByNetwork) {
  PROVES("F033");
  const auto creations = [](const char* address) {
    return session_creations(*IpAddress::parse(address));
  };
  EXPECT_EQ(ask(creations("203.0.113.7").adding()), 1);
  EXPECT_EQ(ask(creations("203.0.113.8").adding()), 1);
  EXPECT_EQ(ask(creations("2001:db8::1").adding()), 1);
  EXPECT_EQ(ask(creations("2001:db8::2").adding()), 2) << "one /64";
  clock_.advance(Seconds{3600 + 300});
  EXPECT_EQ(ask(creations("203.0.113.7").adding()), 1) << "an hour later";
}

}  // namespace
}  // namespace portcullis::state

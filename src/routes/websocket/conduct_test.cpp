#include "routes/websocket/conduct.hpp"

#include <gtest/gtest.h>

namespace portcullis::routes {
namespace {

using std::chrono::seconds;

TEST(SocketConductTest, AThirdOfAMinutesFramesAtOnceAndThenOneAtATime) {
  SocketConduct conduct(60);
  MonotonicTime now{seconds(1000)};
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(conduct.admit(1, now)) << i;
  const auto refused = conduct.admit(1, now);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, http::Code::rate_limited);
  EXPECT_EQ(refused->retry_after, 1);
  now += seconds(1);
  EXPECT_FALSE(conduct.admit(1, now));
  EXPECT_TRUE(conduct.admit(1, now));
}

TEST(SocketConductTest, WaitingAsLongAsItWasToldIsEnough) {
  SocketConduct conduct(60);
  MonotonicTime now{seconds(1000)};
  ASSERT_FALSE(conduct.admit(20, now));
  const auto refused = conduct.admit(15, now);
  ASSERT_TRUE(refused);
  ASSERT_TRUE(refused->retry_after);
  EXPECT_EQ(*refused->retry_after, 15);
  EXPECT_FALSE(conduct.admit(15, now + seconds(*refused->retry_after)));
}

TEST(SocketConductTest, WhatIsRefusedCostsNothing) {
  SocketConduct conduct(60);
  const MonotonicTime now{seconds(1000)};
  ASSERT_FALSE(conduct.admit(19, now));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(conduct.admit(2, now));
  EXPECT_FALSE(conduct.admit(1, now));
}

TEST(SocketConductTest, MoreFragmentsThanEverAtOnceAreToldNoTimeToWait) {
  SocketConduct conduct(60);
  const auto refused = conduct.admit(21, MonotonicTime{seconds(1000)});
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->retry_after);
}

TEST(SocketConductTest, TheTenthBadMessageWithinAMinuteIsOneTooMany) {
  SocketConduct conduct(60);
  MonotonicTime now{seconds(1000)};
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(conduct.note_bad(now));
  EXPECT_FALSE(conduct.note_bad(now + seconds(60))) << "the first nine are old by then";
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(conduct.note_bad(now + seconds(61)));
  EXPECT_TRUE(conduct.note_bad(now + seconds(62)));
}

}  // namespace
}  // namespace portcullis::routes

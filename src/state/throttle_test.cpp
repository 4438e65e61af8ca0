#include "state/throttle.hpp"

#include "proves.hpp"

namespace portcullis::state {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr Throttle::Limit kLimit{60, kMinute};

class ThrottleTest : public testing::Test {
 protected:
  /// Attempts every `step` ms for a while; @returns how many the pace admitted.
  int attempts(std::int64_t for_ms, std::int64_t step, bool count_refusals) {
    int admitted = 0;
    for (const std::int64_t end = now_ + for_ms; now_ < end; now_ += step) {
      if (throttle_.stage(now_) == 0) {
        ++admitted;
        continue;
      }
      const auto attempt = throttle_.attempt(now_);
      offence_ |= attempt.offence;
      if (attempt.wait_ms == 0) {
        throttle_.admitted(now_);
        ++admitted;
      } else if (count_refusals) {
        throttle_.refused(now_, kLimit);
      }
    }
    return admitted;
  }
  Throttle throttle_;
  std::int64_t now_ = 1'000'000;
  bool offence_ = false;
};

TEST_F(ThrottleTest, NobodyIsThrottledWhoWasNotRefused) {
  EXPECT_EQ(throttle_.stage(now_), 0);
  EXPECT_EQ(throttle_.stage(now_ + 100 * kMinute), 0);
}

TEST_F(ThrottleTest, TheFirstRefusalEmptiesTheBucketAndPacesAtTheLimit) {
  PROVES("F139,F140");
  throttle_.refused(now_, kLimit);
  EXPECT_EQ(throttle_.stage(now_), 1);
  EXPECT_EQ(throttle_.attempt(now_).wait_ms, 1000) << "the bucket starts empty";
  now_ += 1000;
  EXPECT_EQ(attempts(40'000, 2000, false), 20) << "one in two seconds is below one a second";
  now_ += 10 * kMinute;  // the bucket is full
  EXPECT_EQ(attempts(1000, 10, false), static_cast<int>(Throttle::kBurst))
      << "a burst, and no more";
}

TEST_F(ThrottleTest, TheTenthRefusalInFiveMinutesHalvesThePace) {
  PROVES("F139");
  for (std::uint32_t i = 0; i < Throttle::kRefusals; ++i) {
    EXPECT_EQ(throttle_.stage(now_), i == 0 ? 0 : 1);
    throttle_.refused(now_, kLimit);
    now_ += 20'000;
  }
  EXPECT_EQ(throttle_.stage(now_), 2);
  now_ += 10 * kMinute;
  EXPECT_EQ(attempts(1000, 10, false), static_cast<int>(Throttle::kBurst));
  const int in_a_minute = attempts(kMinute, 100, false);
  EXPECT_GE(in_a_minute, 29);
  EXPECT_LE(in_a_minute, 31);
}

TEST_F(ThrottleTest, RefusalsThatAreFarApartDoNotAddUp) {
  for (int i = 0; i < 30; ++i) {
    throttle_.refused(now_, kLimit);
    now_ += kMinute;
  }
  EXPECT_EQ(throttle_.stage(now_), 1);
}

TEST_F(ThrottleTest, StagesAreLeftOneByOneAfterAQuietQuarterOfAnHour) {
  for (int i = 0; i < 10; ++i) throttle_.refused(now_, kLimit);
  EXPECT_EQ(throttle_.stage(now_ + Throttle::kQuiet - 1), 2);
  EXPECT_EQ(throttle_.stage(now_ + Throttle::kQuiet), 1);
  EXPECT_EQ(throttle_.stage(now_ + 2 * Throttle::kQuiet - 1), 1);
  EXPECT_EQ(throttle_.stage(now_ + 2 * Throttle::kQuiet), 0);
}

TEST_F(ThrottleTest, MoreThanOneAndAHalfTimesTheLimitIsAnOffence) {
  PROVES("F133");
  throttle_.refused(now_, kLimit);
  int before = 0;
  for (; before < 200 && !throttle_.attempt(now_).offence; ++before) now_ += 600;
  EXPECT_EQ(before, 90) << "the 91st attempt after the refusal, within a minute";
}

TEST_F(ThrottleTest, WhoOnlyKeepsTryingAtTheLimitCommitsNone) {
  throttle_.refused(now_, kLimit);
  attempts(30 * kMinute, 1000, true);
  EXPECT_FALSE(offence_);
}

TEST_F(ThrottleTest, FiftyAttemptsInTenSecondsAreAnOffence) {
  PROVES("F138");
  constexpr Throttle::Limit kLarge{1000, kMinute};
  throttle_.refused(now_, kLarge);
  for (int i = 1; i < 50; ++i) {
    EXPECT_FALSE(throttle_.attempt(now_).offence) << i;
    now_ += 150;
  }
  EXPECT_TRUE(throttle_.attempt(now_).offence);
}

TEST_F(ThrottleTest, AfterAnOffenceTheCountBeginsAnew) {
  throttle_.refused(now_, kLimit);
  int offences = 0;
  for (int i = 0; i < 150; ++i) offences += throttle_.attempt(now_).offence ? 1 : 0;
  EXPECT_EQ(offences, 3) << "each fiftieth";
}

TEST_F(ThrottleTest, WhoIsHeldBackHasItsBurstAndHalfThePace) {
  throttle_.hold_back(now_, kLimit);
  EXPECT_EQ(throttle_.stage(now_), 2);
  EXPECT_EQ(attempts(1000, 10, false), static_cast<int>(Throttle::kBurst));
  now_ += 1000;
  throttle_.hold_back(now_, kLimit);
  EXPECT_EQ(attempts(20'000, 100, false), 10) << "it does not begin anew";
}

TEST_F(ThrottleTest, AnewAfterItsEndNothingOfTheOldIsLeft) {
  for (int i = 0; i < 10; ++i) throttle_.refused(now_, kLimit);
  for (int i = 0; i < 40; ++i) throttle_.attempt(now_);
  now_ += 3 * Throttle::kQuiet;
  throttle_.refused(now_, kLimit);
  EXPECT_EQ(throttle_.stage(now_), 1);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(throttle_.attempt(now_).offence);
}

}  // namespace
}  // namespace portcullis::state

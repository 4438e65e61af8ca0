#include "upstream/breaker.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis::upstream {
namespace {

using State = Breaker::State;

class BreakerTest : public testing::Test {
 protected:
  /// A call whose outcome is known at once. False where the breaker holds it back.
  bool call(bool success, std::uint64_t session) {
    const auto pass = breaker_.allow();
    if (!pass) return false;
    breaker_.record(pass, success, session);
    return true;
  }
  void open() {
    for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(call(false, 1000 + i));
    ASSERT_EQ(breaker_.state(), State::open);
  }

  ManualClock clock_;
  Breaker breaker_{{}, clock_};
};

TEST_F(BreakerTest, OpensAtTheFifthConsecutiveFailure) {
  PROVES("F061");
  for (std::uint64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(call(false, i));
    EXPECT_EQ(breaker_.state(), State::closed);
  }
  EXPECT_TRUE(call(false, 4));
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_FALSE(breaker_.allow());
}

TEST_F(BreakerTest, ASuccessStartsTheRunAnew) {
  for (std::uint64_t i = 0; i < 4; ++i) call(false, i);
  call(true, 9);
  for (std::uint64_t i = 10; i < 14; ++i) call(false, i);
  EXPECT_EQ(breaker_.state(), State::closed);
  call(false, 15);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(BreakerTest, OpensWhenHalfOfTwentyCallsInThirtySecondsFailed) {
  PROVES("F061");
  for (std::uint64_t i = 0; i < 18; ++i) {
    ASSERT_TRUE(call(i % 2 == 0, i));
    ASSERT_EQ(breaker_.state(), State::closed);
  }
  call(true, 18);
  ASSERT_EQ(breaker_.state(), State::closed);
  call(false, 19);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(BreakerTest, StaysClosedBelowHalfOrBelowTwentyCalls) {
  for (std::uint64_t round = 0; round < 30; ++round) {
    call(true, round);
    call(true, 100 + round);
    call(false, 200 + round);
  }
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(BreakerTest, ForgetsWhatIsOlderThanThirtySeconds) {
  for (std::uint64_t i = 0; i < 18; ++i) call(i % 2 == 0, i);
  clock_.advance(Seconds{31});
  call(true, 100);
  call(false, 101);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(BreakerTest, TellsWhenToComeBackWhileOpen) {
  PROVES("F062");
  EXPECT_EQ(breaker_.retry_after(), Milliseconds{0});
  open();
  EXPECT_EQ(breaker_.retry_after(), Milliseconds{60'000});
  clock_.advance(Seconds{59});
  EXPECT_EQ(breaker_.retry_after(), Milliseconds{1000});
  EXPECT_FALSE(breaker_.allow());
  clock_.advance(Seconds{2});
  EXPECT_GT(breaker_.retry_after(), Milliseconds{0});
  EXPECT_TRUE(breaker_.allow());
  EXPECT_EQ(breaker_.retry_after(), Milliseconds{0});
}

TEST_F(BreakerTest, LetsSingleProbesThroughAndClosesAfterThreeGoodOnes) {
  PROVES("F062");
  open();
  clock_.advance(Seconds{60});
  for (int probe = 0; probe < 3; ++probe) {
    const auto pass = breaker_.allow();
    ASSERT_TRUE(pass);
    EXPECT_EQ(breaker_.state(), State::half_open);
    EXPECT_FALSE(breaker_.allow()) << "two probes at a time";
    breaker_.record(pass, true, 1);
  }
  EXPECT_EQ(breaker_.state(), State::closed);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker_.allow());
}

TEST_F(BreakerTest, AFailedProbeOpensItForAnotherMinute) {
  PROVES("F062");
  open();
  clock_.advance(Seconds{60});
  ASSERT_TRUE(call(true, 1));
  ASSERT_TRUE(call(true, 2));
  ASSERT_TRUE(call(false, 3));
  EXPECT_EQ(breaker_.state(), State::open);
  clock_.advance(Seconds{59});
  EXPECT_FALSE(breaker_.allow());
  clock_.advance(Seconds{1});
  EXPECT_TRUE(breaker_.allow());
}

TEST_F(BreakerTest, AProbeWhoseClientLeftMakesWayForAnother) {
  open();
  clock_.advance(Seconds{60});
  const auto pass = breaker_.allow();
  ASSERT_TRUE(pass);
  ASSERT_FALSE(breaker_.allow());
  breaker_.forget(pass);
  EXPECT_EQ(breaker_.state(), State::half_open);
  EXPECT_TRUE(breaker_.allow());
}

TEST_F(BreakerTest, AfterClosingItStartsWithACleanSlate) {
  open();
  clock_.advance(Seconds{60});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call(true, 1));
  for (std::uint64_t i = 0; i < 4; ++i) call(false, i);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(BreakerTest, ACallFromBeforeItOpenedDoesNotCountWhileItIsOpen) {
  const auto pass = breaker_.allow();  // under way while the others fail
  ASSERT_TRUE(pass);
  open();
  clock_.advance(Seconds{30});
  breaker_.record(pass, false, 77);
  EXPECT_EQ(breaker_.retry_after(), Milliseconds{30'000});
}

TEST_F(BreakerTest, ACallFromBeforeItOpenedIsNoProbe) {
  const auto pass = breaker_.allow();  // a long stream
  ASSERT_TRUE(pass);
  open();
  clock_.advance(Seconds{60});
  ASSERT_TRUE(breaker_.allow());    // the probe
  breaker_.record(pass, true, 77);  // the stream from before ends well
  EXPECT_FALSE(breaker_.allow()) << "a second probe beside the first";
  EXPECT_EQ(breaker_.state(), State::half_open);
}

TEST_F(BreakerTest, OneSessionsFailuresCountOnceWhileOthersSucceed) {
  ASSERT_TRUE(call(true, 1));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(call(false, 666));
  EXPECT_EQ(breaker_.state(), State::closed);
  // Other sessions' failures still count.
  for (std::uint64_t i = 0; i < 4; ++i) call(false, 10 + i);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(BreakerTest, OneSessionThatFailsBetweenOthersSuccessesDoesNotOpenIt) {
  for (std::uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(call(true, i)) << "shut for everybody by one session, after " << i;
    ASSERT_TRUE(call(false, 666)) << i;
    clock_.advance(Milliseconds{500});
  }
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(BreakerTest, OneSessionAloneOpensItWhereNobodyElseSucceeded) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call(false, 666));
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(BreakerTest, SuccessesOfOthersProtectForThirtySecondsOnly) {
  ASSERT_TRUE(call(true, 1));
  clock_.advance(Seconds{31});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call(false, 666));
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(BreakerTest, ThreadsNeverGetTwoProbesAtOnce) {
  open();
  clock_.advance(Seconds{60});
  std::atomic<int> probes{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) probes += breaker_.allow() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(probes, 1);
}

TEST(RetryBudget, AllowsAReserveOfTenAMinute) {
  ManualClock clock;
  RetryBudget budget(20, clock);
  int allowed = 0;
  for (int i = 0; i < 50; ++i) allowed += budget.try_retry() ? 1 : 0;
  EXPECT_EQ(allowed, 10);
  clock.advance(Seconds{60});
  allowed = 0;
  for (int i = 0; i < 50; ++i) allowed += budget.try_retry() ? 1 : 0;
  EXPECT_EQ(allowed, 10);
  clock.advance(std::chrono::hours{10});
  allowed = 0;
  for (int i = 0; i < 50; ++i) allowed += budget.try_retry() ? 1 : 0;
  EXPECT_EQ(allowed, 10) << "silence does not pile up retries";
}

TEST(RetryBudget, CallsEarnTheirShareOfRetries) {
  ManualClock clock;
  RetryBudget budget(20, clock);
  while (budget.try_retry()) {
  }
  for (int i = 0; i < 100; ++i) budget.on_call();
  int allowed = 0;
  while (budget.try_retry()) ++allowed;
  EXPECT_GE(allowed, 19);
  EXPECT_LE(allowed, 20);
}

TEST(RetryBudget, WhatCallsEarnIsBounded) {
  ManualClock clock;
  RetryBudget budget(100, clock);
  for (int i = 0; i < 10'000; ++i) budget.on_call();
  int allowed = 0;
  while (budget.try_retry()) ++allowed;
  EXPECT_LE(allowed, 100);
}

TEST(RetryBudget, WithAShareOfZeroOnlyTheReserveIsLeft) {
  ManualClock clock;
  RetryBudget budget(0, clock);
  for (int i = 0; i < 1000; ++i) budget.on_call();
  int allowed = 0;
  while (budget.try_retry()) ++allowed;
  EXPECT_EQ(allowed, 10);
}

}  // namespace
}  // namespace portcullis::upstream

#include "net/deadline.hpp"

#include <memory>
#include <random>
#include <vector>

#include "base/task.hpp"
#include "proves.hpp"

namespace portcullis::net {
namespace {

/// Turns the wheel without waiting: each of its ticks is one step of the manual clock. Asio's timer
/// of 20 ms is what drives it, so a step runs the loop until that timer has come.
class DeadlineTest : public testing::Test {
 protected:
  void step(Milliseconds by) {
    clock_.advance(by);
    context_.restart();
    if (wheel_.armed() > 0) context_.run_one();
  }

  struct Fired {
    int count = 0;
    static void call(void* self) { ++static_cast<Fired*>(self)->count; }
  };

  ManualClock clock_;
  boost::asio::io_context context_{1};
  Deadlines wheel_{context_, clock_};
};

TEST_F(DeadlineTest, FiresOnceNeverEarlyAndAtMostTwoTicksLate) {
  Fired fired;
  DeadlineTimer timer(wheel_, Fired::call, &fired);
  timer.arm(Milliseconds{100});
  EXPECT_TRUE(timer.is_armed());
  EXPECT_EQ(wheel_.armed(), 1U);
  step(Milliseconds{99});
  EXPECT_EQ(fired.count, 0);
  step(Milliseconds{41});
  EXPECT_EQ(fired.count, 1);
  EXPECT_FALSE(timer.is_armed());
  step(Milliseconds{500});
  EXPECT_EQ(fired.count, 1);
  EXPECT_EQ(wheel_.armed(), 0U);
}

TEST_F(DeadlineTest, ADisarmedOrDestroyedTimerDoesNotFire) {
  Fired fired;
  Fired other;
  DeadlineTimer timer(wheel_, Fired::call, &fired);
  timer.arm(Milliseconds{50});
  timer.disarm();
  timer.disarm();
  DeadlineTimer keep(wheel_, Fired::call, &other);
  keep.arm(Milliseconds{50});
  {
    DeadlineTimer gone(wheel_, Fired::call, &fired);
    gone.arm(Milliseconds{50});
  }
  step(Milliseconds{200});
  EXPECT_EQ(fired.count, 0);
  EXPECT_EQ(other.count, 1);
}

TEST_F(DeadlineTest, ArmingAgainMovesTheDeadline) {
  Fired fired;
  DeadlineTimer timer(wheel_, Fired::call, &fired);
  timer.arm(Milliseconds{50});
  step(Milliseconds{40});
  timer.arm(Milliseconds{100});
  EXPECT_EQ(wheel_.armed(), 1U);
  step(Milliseconds{90});
  EXPECT_EQ(fired.count, 0);
  step(Milliseconds{60});
  EXPECT_EQ(fired.count, 1);
}

TEST_F(DeadlineTest, DeadlinesBeyondOneTurnOfTheWheelWait) {
  Fired fired;
  DeadlineTimer timer(wheel_, Fired::call, &fired);
  timer.arm(Seconds{60});  // three turns of 1024 slots of 20 ms
  for (int i = 0; i < 59; ++i) step(Seconds{1});
  EXPECT_EQ(fired.count, 0);
  step(Milliseconds{1040});
  EXPECT_EQ(fired.count, 1);
}

TEST_F(DeadlineTest, AfterALongStallEverythingThatIsDueFires) {
  std::vector<Fired> fired(300);
  std::vector<std::unique_ptr<DeadlineTimer>> timers;
  for (std::size_t i = 0; i < fired.size(); ++i) {
    timers.push_back(std::make_unique<DeadlineTimer>(wheel_, Fired::call, &fired[i]));
    timers.back()->arm(Milliseconds{static_cast<int>(i) * 300});
  }
  step(Seconds{3600});
  for (const auto& f : fired) EXPECT_EQ(f.count, 1);
}

TEST_F(DeadlineTest, ManyRandomTimersFireInTheirTime) {
  struct Expected {
    const ManualClock* clock = nullptr;
    MonotonicTime due;
    bool fired = false;
    bool disarmed = false;
  };
  std::mt19937_64 random(5);
  std::vector<Expected> expected(2000);
  std::vector<std::unique_ptr<DeadlineTimer>> timers;
  for (auto& e : expected) {
    e.clock = &clock_;
    timers.push_back(std::make_unique<DeadlineTimer>(
        wheel_,
        [](void* self) {
          auto& it = *static_cast<Expected*>(self);
          EXPECT_FALSE(it.fired);
          EXPECT_FALSE(it.disarmed);
          EXPECT_GE(it.clock->monotonic(), it.due);
          EXPECT_LE(it.clock->monotonic(), it.due + Milliseconds{60});
          it.fired = true;
        },
        &e));
    const Milliseconds after{static_cast<int>(random() % 40'000)};
    e.due = clock_.monotonic() + after;
    timers.back()->arm(after);
  }
  // Steps of a tick without asio's own timer would be 2000 waits of 20 ms: coarser ones suffice.
  for (int i = 0; i < 60; ++i) {
    const std::size_t at = random() % timers.size();
    if (!expected[at].fired) {
      expected[at].disarmed = true;
      timers[at]->disarm();
    }
  }
  for (auto& e : expected) {
    // What is due far away is moved near, so that the test stays short.
    const auto index = static_cast<std::size_t>(&e - expected.data());
    if (e.disarmed) continue;
    const Milliseconds after{static_cast<int>(random() % 400)};
    e.due = clock_.monotonic() + after;
    timers[index]->arm(after);
  }
  for (int i = 0; i < 25; ++i) step(Milliseconds{20});
  for (const auto& e : expected) EXPECT_NE(e.fired, e.disarmed);
  EXPECT_EQ(wheel_.armed(), 0U);
}

TEST_F(DeadlineTest, ACallbackMayArmDisarmAndDestroyTimers) {
  struct Chain {
    Deadlines& wheel;
    std::unique_ptr<DeadlineTimer> self;
    std::unique_ptr<DeadlineTimer> victim;
    DeadlineTimer* again = nullptr;
    int fired = 0;
  };
  Fired never;
  Chain chain{wheel_, nullptr, nullptr, nullptr, 0};
  DeadlineTimer again(wheel_, [](void* self) { ++static_cast<Chain*>(self)->fired; }, &chain);
  chain.again = &again;
  chain.victim = std::make_unique<DeadlineTimer>(wheel_, Fired::call, &never);
  chain.self = std::make_unique<DeadlineTimer>(
      wheel_,
      [](void* context) {
        auto& c = *static_cast<Chain*>(context);
        ++c.fired;
        c.victim.reset();
        c.again->arm(Milliseconds{10});
        c.self.reset();
      },
      &chain);
  chain.victim->arm(Milliseconds{40});
  chain.self->arm(Milliseconds{40});  // armed last, so its slot is visited first
  step(Milliseconds{100});
  EXPECT_EQ(chain.fired, 1);
  EXPECT_EQ(never.count, 0);
  step(Milliseconds{60});
  EXPECT_EQ(chain.fired, 2);
}

TEST_F(DeadlineTest, SleepResumesItsCoroutine) {
  bool woke = false;
  const auto sleeper = [](Deadlines& wheel, bool& flag) -> Task<void> {
    co_await Sleep(wheel, Milliseconds{0});
    co_await Sleep(wheel, Milliseconds{30});
    flag = true;
  };
  spawn(sleeper(wheel_, woke));
  EXPECT_FALSE(woke);
  step(Milliseconds{100});
  EXPECT_TRUE(woke);
}

}  // namespace
}  // namespace portcullis::net

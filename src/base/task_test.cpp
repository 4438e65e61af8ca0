#include "base/task.hpp"

#include <memory>
#include <stdexcept>
#include <string>

#include "base/eventual.hpp"
#include "gate.hpp"
#include "proves.hpp"

namespace portcullis {
namespace {

Task<int> number(int value) { co_return value; }
Task<int> number_after(Gate& gate, int value) {
  co_await gate;
  co_return value;
}
Task<int> thrower(bool wait, Gate& gate) {
  if (wait) co_await gate;
  throw std::runtime_error("from below");
  co_return 0;
}
Task<void> store(Task<int> task, int& out) { out = co_await task; }
Task<void> store_eventual(Eventual<int> eventual, int& out) { out = co_await eventual; }
Task<void> catch_from(Task<int> task, std::string& out) {
  try {
    (void)co_await task;
  } catch (const std::runtime_error& error) {
    out = error.what();
  }
}

TEST(Task, StartsOnlyWhenAwaited) {
  int out = 0;
  bool started = false;
  const auto note = [](bool& flag) -> Task<int> {
    flag = true;
    co_return 5;
  };
  Task<int> task = note(started);
  EXPECT_FALSE(started);
  spawn(store(std::move(task), out));
  EXPECT_TRUE(started);
  EXPECT_EQ(out, 5);
}

TEST(Task, GoesOnWhenWhatItWaitsForGoesOn) {
  Gate gate;
  int out = 0;
  spawn(store(number_after(gate, 7), out));
  EXPECT_TRUE(gate.waited_for());
  EXPECT_EQ(out, 0);
  gate.open();
  EXPECT_EQ(out, 7);
}

TEST(Task, YieldsWhatCanOnlyBeMoved) {
  std::unique_ptr<int> out;
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  const auto take = [](Task<std::unique_ptr<int>> task, std::unique_ptr<int>& to) -> Task<void> {
    to = co_await task;
  };
  spawn(take(make(), out));
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, 3);
}

TEST(Task, AnExceptionComesOutWhereItIsAwaited) {
  for (const bool wait : {false, true}) {
    Gate gate;
    std::string out;
    spawn(catch_from(thrower(wait, gate), out));
    if (wait) gate.open();
    EXPECT_EQ(out, "from below");
  }
}

TEST(Task, OneThatNeverStartedIsDestroyedQuietly) {
  const auto held = std::make_shared<int>(1);
  const auto keep = [](std::shared_ptr<int> value) -> Task<int> { co_return *value; };
  {
    Task<int> task = keep(held);
    Task<int> other = keep(held);
    other = std::move(task);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

Task<int> deep(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await deep(levels - 1);
}

TEST(Task, ALoopOverAHundredThousandReadyTasksKeepsTheStack) {
  std::uint64_t out = 0;
  const auto loop = [](std::uint64_t& sum) -> Task<void> {
    for (int i = 0; i < 100'000; ++i) sum += static_cast<std::uint64_t>(co_await number(i));
  };
  spawn(loop(out));
  EXPECT_EQ(out, 4'999'950'000U);
}

TEST(Task, AHundredThousandLevelsKeepTheStack) {
  int out = 0;
  spawn(store(deep(100'000), out));
  EXPECT_EQ(out, 100'000);
}

TEST(Eventual, AReadyValueIsThereAtOnce) {
  Eventual<int> eventual = 4;
  EXPECT_TRUE(eventual.ready());
  EXPECT_EQ(eventual.value(), 4);
  int out = 0;
  spawn(store_eventual(std::move(eventual), out));
  EXPECT_EQ(out, 4);
}

TEST(Eventual, ATaskIsAwaited) {
  Gate gate;
  Eventual<int> eventual = number_after(gate, 6);
  EXPECT_FALSE(eventual.ready());
  int out = 0;
  spawn(store_eventual(std::move(eventual), out));
  EXPECT_EQ(out, 0);
  gate.open();
  EXPECT_EQ(out, 6);
}

TEST(Eventual, TakesWhatConvertsToItsValue) {
  Eventual<std::string> eventual = "text";
  ASSERT_TRUE(eventual.ready());
  EXPECT_EQ(eventual.value(), "text");
}

TEST(Eventual, AnExceptionOfItsTaskComesOutWhereItIsAwaited) {
  Gate gate;
  std::string out;
  const auto run = [](Eventual<int> eventual, std::string& to) -> Task<void> {
    try {
      (void)co_await eventual;
    } catch (const std::runtime_error& error) {
      to = error.what();
    }
  };
  spawn(run(thrower(true, gate), out));
  gate.open();
  EXPECT_EQ(out, "from below");
}

}  // namespace
}  // namespace portcullis

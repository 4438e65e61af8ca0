#include "net/background.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <barrier>
#include <deque>
#include <future>
#include <memory>
#include <stdexcept>

#include "base/task.hpp"
#include "wait_until.hpp"

namespace portcullis::net {
namespace {

/// Workers on threads of their own.
class Workers {
 public:
  explicit Workers(unsigned count = 1) {
    for (unsigned i = 0; i < count; ++i) {
      Worker& worker = workers_.emplace_back(i);
      threads_.emplace_back([&worker] { worker.run(); });
    }
  }
  ~Workers() {
    for (auto& worker : workers_) worker.stop();
    for (auto& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  Worker& operator[](std::size_t i) { return workers_[i]; }
  std::size_t size() const { return workers_.size(); }

 private:
  std::deque<Worker> workers_;
  std::vector<std::thread> threads_;
};

template <class Call>
Task<void> await_call(Background& background, Call call, auto& promise) {
  promise.set_value(co_await background.run(std::move(call)));
}

/// What a call yields, awaited on `worker`.
template <class Call>
auto outcome_of(Worker& worker, Background& background, Call call) {
  using Outcome = decltype(background.run(std::move(call)).await_resume());
  std::promise<Outcome> promise;
  worker.post([&] { spawn(await_call(background, std::move(call), promise)); });
  return promise.get_future().get();
}

/// A call that others wait for until the test opens it.
struct Door {
  std::promise<void> promise;
  std::shared_future<void> opened{promise.get_future()};
  auto call() {
    return [opened = opened] { opened.wait(); };
  }
};

Task<void> count_outcome(Background& background, std::shared_future<void> opened,
                         std::atomic<int>& done, std::atomic<int>& cancelled) {
  const auto outcome = co_await background.run([opened] { opened.wait(); });
  if (outcome) {
    ++done;
  } else if (outcome.error().code == ErrorCode::cancelled) {
    ++cancelled;
  }
}

TEST(Background, YieldsWhatTheCallReturns) {
  Workers workers;
  Background background({});
  EXPECT_EQ(outcome_of(workers[0], background, [] { return 7; }).value(), 7);
  EXPECT_TRUE(outcome_of(workers[0], background, [] {}).has_value());
  const auto moved =
      outcome_of(workers[0], background,
                 [kept = std::make_unique<int>(3)]() mutable { return std::move(kept); });
  EXPECT_EQ(**moved, 3);
  EXPECT_EQ(outcome_of(workers[0], background, []() -> Result<int> { return 9; }).value(), 9);
  const auto failed = outcome_of(workers[0], background, []() -> Result<void> {
    return fail(ErrorCode::not_found, "nobody");
  });
  EXPECT_EQ(failed.error().code, ErrorCode::not_found);
}

TEST(Background, AnExceptionBecomesAnError) {
  Workers workers;
  for (const auto priority : {Background::Priority::normal, Background::Priority::idle}) {
    Background background({.priority = priority});
    const auto failed =
        outcome_of(workers[0], background, []() -> int { throw std::runtime_error("from below"); });
    EXPECT_EQ(failed.error().code, ErrorCode::internal);
    EXPECT_EQ(failed.error().detail, "from below");
    EXPECT_FALSE(outcome_of(workers[0], background, [] { throw 7; }));
    EXPECT_TRUE(outcome_of(workers[0], background, [] { return 1; })) << "the thread goes on";
  }
}

Task<void> note_threads(Background& background, Worker& worker, std::promise<bool>& promise) {
  const auto before = std::this_thread::get_id();
  const auto inside = co_await background.run([] { return std::this_thread::get_id(); });
  promise.set_value(Worker::current() == &worker && std::this_thread::get_id() == before &&
                    *inside != before);
}

TEST(Background, ResumesOnTheWorkerThatCalled) {
  Workers workers(3);
  Background background({.threads = 2});
  for (std::size_t i = 0; i < workers.size(); ++i) {
    std::promise<bool> promise;
    workers[i].post([&] { spawn(note_threads(background, workers[i], promise)); });
    EXPECT_TRUE(promise.get_future().get());
  }
}

TEST(Background, RunsAsManyCallsAtATimeAsItHasThreads) {
  Workers workers;
  Background background({.threads = 3});
  std::barrier all(3);
  std::atomic<int> met{0};
  std::array<std::promise<Result<void>>, 3> promises;
  for (auto& promise : promises) {
    workers[0].post([&] {
      spawn(await_call(
          background,
          [&] {
            all.arrive_and_wait();
            ++met;
          },
          promise));
    });
  }
  for (auto& promise : promises) EXPECT_TRUE(promise.get_future().get());
  EXPECT_EQ(met, 3);
}

TEST(Background, AFullQueueIsToldAtOnce) {
  Workers workers;
  Background background({.name = "few", .threads = 1, .queue = 1});
  Door door;
  std::array<std::promise<Result<void>>, 2> promises;
  workers[0].post([&] { spawn(await_call(background, door.call(), promises[0])); });
  ASSERT_TRUE(wait_until([&] { return background.load().running == 1; }));
  workers[0].post([&] { spawn(await_call(background, door.call(), promises[1])); });
  ASSERT_TRUE(wait_until([&] { return background.load().waiting == 1; }));
  const auto refused = outcome_of(workers[0], background, [] {});
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  door.promise.set_value();
  for (auto& promise : promises) EXPECT_TRUE(promise.get_future().get());
  EXPECT_TRUE(outcome_of(workers[0], background, [] {})) << "there is room again";
}

TEST(Background, CallsAreTakenInTheirOrder) {
  Workers workers;
  Background background({.threads = 1});
  Door door;
  std::promise<Result<void>> first;
  workers[0].post([&] { spawn(await_call(background, door.call(), first)); });
  std::vector<int> order;
  std::array<std::promise<Result<void>>, 5> promises;
  for (int i = 0; i < 5; ++i) {
    workers[0].post([&, i] {
      spawn(await_call(
          background, [&order, i] { order.push_back(i); }, promises[static_cast<std::size_t>(i)]));
    });
  }
  ASSERT_TRUE(wait_until([&] { return background.load().waiting == 5; }));
  door.promise.set_value();
  for (auto& promise : promises) EXPECT_TRUE(promise.get_future().get());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Background, StopLetsWhatRunsFinishAndFailsWhatWaits) {
  Workers workers;
  Background background({.threads = 2});
  Door door;
  std::atomic<int> done{0};
  std::atomic<int> cancelled{0};
  for (int i = 0; i < 7; ++i) {
    workers[0].post([&] { spawn(count_outcome(background, door.opened, done, cancelled)); });
  }
  ASSERT_TRUE(wait_until([&] {
    const auto load = background.load();
    return load.running == 2 && load.waiting == 5;
  }));
  std::thread stopping([&] { background.stop(); });
  EXPECT_TRUE(wait_until([&] { return cancelled == 5; })) << "they do not wait for what runs";
  EXPECT_EQ(done, 0);
  door.promise.set_value();
  stopping.join();
  EXPECT_TRUE(wait_until([&] { return done == 2; }));
  EXPECT_EQ(outcome_of(workers[0], background, [] {}).error().code, ErrorCode::cancelled);
  background.stop();
}

Task<void> call_until_cancelled(Background& background, std::atomic<int>& calls,
                                std::atomic<int>& ended) {
  while (true) {
    const auto outcome = co_await background.run([&calls] { ++calls; });
    if (!outcome && outcome.error().code == ErrorCode::cancelled) break;
  }
  ++ended;
}

TEST(Background, NoCoroutineIsLostWhenItIsStoppedUnderLoad) {
  constexpr int kCallers = 40;
  for (const auto priority : {Background::Priority::normal, Background::Priority::idle}) {
    Workers workers(3);
    std::atomic<int> calls{0};
    std::atomic<int> ended{0};
    Background background({.threads = 4, .queue = kCallers, .priority = priority});
    for (int i = 0; i < kCallers; ++i) {
      workers[static_cast<std::size_t>(i) % workers.size()].post(
          [&] { spawn(call_until_cancelled(background, calls, ended)); });
    }
    ASSERT_TRUE(wait_until([&] { return calls > 500; }));
    background.stop();
    EXPECT_TRUE(wait_until([&] { return ended == kCallers; }));
    EXPECT_EQ(background.load().waiting, 0U);
    EXPECT_EQ(background.load().running, 0U);
  }
}

TEST(Background, MayBeDestroyedWhileWorkersRunOn) {
  Workers workers(2);
  Door door;
  std::atomic<int> done{0};
  std::atomic<int> cancelled{0};
  std::optional<Background> background(std::in_place, Background::Options{.threads = 1});
  for (std::size_t i = 0; i < 10; ++i) {
    workers[i % 2].post([&] { spawn(count_outcome(*background, door.opened, done, cancelled)); });
  }
  ASSERT_TRUE(wait_until([&] { return background->load().waiting == 9; }));
  door.promise.set_value();
  background.reset();
  EXPECT_TRUE(wait_until([&] { return done + cancelled == 10; }));
  EXPECT_GE(done, 1);
}

TEST(Background, ComputesAtThePriorityThatWasAskedFor) {
  Workers workers;
  const auto policy = [] { return ::sched_getscheduler(0); };
  Background normal({});
  EXPECT_EQ(outcome_of(workers[0], normal, policy).value(), SCHED_OTHER);
  Background idle({.priority = Background::Priority::idle});
  EXPECT_EQ(outcome_of(workers[0], idle, policy).value(), SCHED_IDLE);
  EXPECT_GE(Background::half_of_cores(), 1U);
}

}  // namespace
}  // namespace portcullis::net

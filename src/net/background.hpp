#pragma once
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// Threads for work that blocks or computes for long (SQL, bcrypt), which no worker may do.
///
/// Threads:   run() from any worker, which is resumed on its own thread. stop() and the destructor
///            from one thread that is none of a worker: they wait for the calls that run.
/// Ownership: a call waits in the frame of the coroutine that awaits it; nothing else is kept. A
///            worker must outlive the calls that it waits for: stop() first, then the workers.
/// Errors:    exhausted (at once, to be tried again) where the queue is full, cancelled after
///            stop(), internal for an exception of the call; else what the call returns.
/// Bounds:    `threads` calls run and `queue` wait, in their order, so a call waits for `queue` /
///            `threads` others at most. None is given up before its end: one that touches the
///            outside brings its own deadline.
/// Cost:      about 10 us to another thread and back, and 60 us at idle priority, which takes a
///            thread for each call.
class Background {
 public:
  /// At `idle` a call runs only where nothing else wants the core (SCHED_IDLE). It must not hold a
  /// lock that workers take: the scheduler may leave it lying with it.
  enum class Priority : std::uint8_t { normal, idle };

  struct Options {
    std::string name = "background";  ///< of its threads, 15 bytes at most
    unsigned threads = 1;
    std::size_t queue = 64;
    Priority priority = Priority::normal;
  };
  struct Load {
    std::size_t waiting = 0;
    std::size_t running = 0;
  };

  /// REQUIRES: a thread and a place in the queue at least.
  explicit Background(Options options);
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// How many threads may compute so that as many cores stay for other work; one at least.
  static unsigned half_of_cores() noexcept;

  template <class Call>
  class Run;
  /// `co_await background.run(call)`: the Result that `call()` returns, or a Result of what it
  /// returns. REQUIRES: on the thread of a worker.
  template <class Call>
  [[nodiscard]] Run<Call> run(Call call) {
    return Run<Call>(*this, std::move(call));
  }

  /// Lets what runs come to its end, and fails what waits and what comes later. When it returns,
  /// every coroutine that waited has been handed back to its worker. May be called again.
  void stop();

  Load load() const;
  /// How many may wait.
  std::size_t places() const noexcept { return options_.queue; }

 private:
  /// A call and who waits for it.
  class Job {
   public:
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

   protected:
    Job() = default;
    ~Job() = default;

   private:
    friend class Background;
    virtual void execute() noexcept = 0;
    virtual void fail(Error error) noexcept = 0;

    Worker* worker_ = nullptr;
    std::coroutine_handle<> waiter_;
    Job* next_ = nullptr;
  };

  /// Whether `waiter` will be resumed; else the job has failed already.
  bool submit(Job& job, std::coroutine_handle<> waiter);
  void serve();
  void execute(Job& job) const noexcept;
  Job* take();
  static void hand_back(Job& job);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Job* first_ = nullptr;  ///< of those that wait
  Job* last_ = nullptr;
  Load load_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

namespace detail {

template <class T>
struct ResultOf {
  using type = Result<T>;
};
template <class T>
struct ResultOf<Result<T>> {
  using type = Result<T>;
};

}  // namespace detail

/// What run() makes to be awaited, once and at once.
template <class Call>
class Background::Run final : private Job {
  using Returned = std::invoke_result_t<Call&>;
  using Outcome = typename detail::ResultOf<Returned>::type;

 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) { return background_.submit(*this, waiter); }
  Outcome await_resume() { return *std::move(outcome_); }

 private:
  friend class Background;
  Run(Background& background, Call call) : background_(background), call_(std::move(call)) {}

  void execute() noexcept override {
    try {
      if constexpr (std::is_void_v<Returned>) {
        call_();
        outcome_.emplace();
      } else {
        outcome_.emplace(call_());
      }
    } catch (const std::exception& error) {
      fail({.code = ErrorCode::internal, .detail = error.what()});
    } catch (...) {
      fail({.code = ErrorCode::internal, .detail = "an exception of an unknown type"});
    }
  }
  void fail(Error error) noexcept override { outcome_.emplace(std::unexpect, std::move(error)); }

  Background& background_;
  Call call_;
  std::optional<Outcome> outcome_;
};

}  // namespace portcullis::net

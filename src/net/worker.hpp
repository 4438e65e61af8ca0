#pragma once
#include <boost/asio/io_context.hpp>
#include <coroutine>
#include <functional>

#include "base/clock.hpp"
#include "net/deadline.hpp"
#include "net/poller.hpp"

namespace portcullis::net {

/// One thread's event loop: everything that lives on a connection runs here and nowhere else.
///
/// Threads: run() is the thread; post() may be called from any, everything else from run()'s
/// thread.
class Worker {
 public:
  explicit Worker(unsigned index, const Clock& clock = Clock::system())
      : index_(index), context_(1), deadlines_(context_, clock), poller_(context_) {}

  unsigned index() const noexcept { return index_; }
  boost::asio::io_context& context() noexcept { return context_; }
  Deadlines& deadlines() noexcept { return deadlines_; }
  Poller& poller() noexcept { return poller_; }
  const Clock& clock() const noexcept { return deadlines_.clock(); }

  /// Runs `work` on this worker's thread, soon.
  void post(std::move_only_function<void()> work);
  /// Resumes `waiter` from the event loop instead of from the current call stack.
  void resume_later(std::coroutine_handle<> waiter);

  /// The worker whose thread this is; null on other threads.
  static Worker* current() noexcept;

  /// Serves until stop(). Sets the thread's name and its metric shard.
  void run();
  void stop();

  /// `co_await worker.sleep(200ms)`.
  Sleep sleep(Milliseconds duration) { return {deadlines_, duration}; }

  /// `co_await worker.yield()`: lets other ready work go first.
  struct Yield {
    Worker& worker;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) { worker.resume_later(waiter); }
    void await_resume() const noexcept {}
  };
  Yield yield() noexcept { return {*this}; }

 private:
  unsigned index_;
  boost::asio::io_context context_;
  Deadlines deadlines_;
  Poller poller_;
};

/// A coroutine waits until another one on the same worker says go. One waiter at a time.
class Signal {
 public:
  explicit Signal(Worker& worker) noexcept : worker_(&worker) {}
  /// Wakes the waiter, or lets the next wait pass at once.
  void notify() {
    if (auto waiter = std::exchange(waiter_, nullptr)) {
      worker_->resume_later(waiter);
    } else {
      set_ = true;
    }
  }
  bool await_ready() noexcept { return std::exchange(set_, false); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() const noexcept {}

 private:
  Worker* worker_;
  std::coroutine_handle<> waiter_;
  bool set_ = false;
};

}  // namespace portcullis::net

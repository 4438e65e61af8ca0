#pragma once
#include <coroutine>
#include <utility>
#include <vector>

#include "base/task.hpp"

namespace portcullis {

/// `co_await Together(tasks)`: starts all of them now, and goes on when the last one has ended.
///
/// Threads: as Task; all of them on one worker.  Ownership: owns the tasks until each has ended.
/// Errors:  an exception that escapes one of them ends the process, as with spawn().
/// Cost:    one allocation for each task beside its own.
class [[nodiscard]] Together {
 public:
  explicit Together(std::vector<Task<void>> tasks) noexcept
      : tasks_(std::move(tasks)), left_(tasks_.size()) {}
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;

  bool await_ready() {
    for (auto& task : std::exchange(tasks_, {})) run(std::move(task), *this);
    return left_ == 0;
  }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() const noexcept {}

 private:
  static detail::Detached run(Task<void> task, Together& all) {
    co_await task;
    // The last one that had to wait wakes who waits, and does not look at `all` any more.
    if (--all.left_ == 0 && all.waiter_) all.waiter_.resume();
  }

  std::vector<Task<void>> tasks_;
  std::size_t left_;
  std::coroutine_handle<> waiter_;
};

}  // namespace portcullis

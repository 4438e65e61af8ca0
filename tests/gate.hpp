#pragma once
#include <coroutine>
#include <utility>

namespace portcullis {

/// Suspends the one coroutine that awaits it until the test opens it.
class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiter_, nullptr).resume(); }
  bool waited_for() const noexcept { return waiter_ != nullptr; }

 private:
  std::coroutine_handle<> waiter_;
};

}  // namespace portcullis

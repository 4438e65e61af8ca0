#pragma once
#include <coroutine>
#include <utility>
#include <variant>

#include "base/task.hpp"

namespace portcullis {

/// A value that is ready at once, or a Task that will yield it. What never has to wait pays for no
/// coroutine; the caller awaits both in the same words.
///
/// Threads: as Task.  Cost: nothing but the move when ready.
template <class T>
class [[nodiscard]] Eventual {
 public:
  Eventual(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Eventual(Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}  // NOLINT
  template <class U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Eventual> &&
             !std::is_same_v<std::remove_cvref_t<U>, Task<T>>)
  Eventual(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool ready() const noexcept { return state_.index() == 0; }
  /// REQUIRES: ready().
  T& value() noexcept { return *std::get_if<0>(&state_); }

  bool await_ready() const noexcept { return ready(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    return std::get_if<1>(&state_)->operator co_await().await_suspend(waiter);
  }
  T await_resume() {
    if (auto* value = std::get_if<0>(&state_)) return std::move(*value);
    return std::get_if<1>(&state_)->operator co_await().await_resume();
  }

 private:
  std::variant<T, Task<T>> state_;
};

}  // namespace portcullis

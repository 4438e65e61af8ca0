#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coroutine>
#include <cstdint>

#include "base/clock.hpp"

namespace portcullis::net {

class DeadlineTimer;

/// Hashed timing wheel: all the coarse deadlines of one worker on one asio timer.
///
/// A request arms and disarms half a dozen deadlines that almost never fire; on asio's timers each
/// new earliest one costs a system call. Here both are O(1) without one.
///
/// Threads: one per worker, used on its thread only.
/// Units:   fires no earlier than asked and at most two ticks (40 ms) later.
/// Cost:    ticks only while something is armed.
/// Source:  Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 6.
class Deadlines {
 public:
  static constexpr Milliseconds kTick{20};

  Deadlines(boost::asio::io_context& context, const Clock& clock);
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  std::size_t armed() const noexcept { return armed_; }
  const Clock& clock() const noexcept { return clock_; }

 private:
  friend class DeadlineTimer;
  static constexpr std::size_t kSlots = 1024;

  std::int64_t tick_now() const noexcept;
  void link(DeadlineTimer& timer, Milliseconds after) noexcept;
  void unlink(DeadlineTimer& timer) noexcept;
  void schedule();
  void on_tick();

  const Clock& clock_;
  boost::asio::steady_timer timer_;
  std::array<DeadlineTimer*, kSlots> slots_{};
  std::int64_t done_tick_ = 0;
  std::size_t armed_ = 0;
  bool scheduled_ = false;
};

/// One deadline: a node in the wheel that calls `expired(context)` once when its time has come.
///
/// Threads: those of its wheel.  Ownership: disarms itself when destroyed; the callback may destroy
/// it.
class DeadlineTimer {
 public:
  using Callback = void (*)(void* context);

  DeadlineTimer(Deadlines& wheel, Callback expired, void* context) noexcept
      : wheel_(wheel), expired_(expired), context_(context) {}
  ~DeadlineTimer() { disarm(); }
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  /// (Re)starts it.
  void arm(Milliseconds after) noexcept;
  void disarm() noexcept;
  bool is_armed() const noexcept { return armed_; }

 private:
  friend class Deadlines;
  Deadlines& wheel_;
  Callback expired_;
  void* context_;
  DeadlineTimer* previous_ = nullptr;
  DeadlineTimer* next_ = nullptr;
  std::int64_t tick_ = 0;
  bool armed_ = false;
};

/// `co_await Sleep(wheel, 200ms)`.
class Sleep {
 public:
  Sleep(Deadlines& wheel, Milliseconds duration) noexcept
      : timer_(
            wheel, [](void* self) { static_cast<Sleep*>(self)->waiter_.resume(); }, this),
        duration_(duration) {}
  bool await_ready() const noexcept { return duration_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    timer_.arm(duration_);
  }
  void await_resume() const noexcept {}

 private:
  DeadlineTimer timer_;
  Milliseconds duration_;
  std::coroutine_handle<> waiter_;
};

}  // namespace portcullis::net

#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/clock.hpp"

namespace portcullis::routes {

/// What one WebSocket has been doing: how fast its messages come, and how many were bad.
///
/// Threads: those of its connection.
/// Units:   frames; `per_minute` of them in the long run, a third at once.
/// Source:  the generic cell rate algorithm (ITU-T I.371), in nanoseconds.
class SocketConduct {
 public:
  /// So many bad messages within a minute are enough.
  static constexpr std::size_t kMostBad = 10;

  explicit SocketConduct(std::int64_t per_minute)
      : step_(std::chrono::nanoseconds(std::chrono::minutes(1)) / per_minute),
        burst_(step_ * std::max<std::int64_t>(1, per_minute / 3)) {}

  /// Takes so many frames, or none. @returns whether they were admitted.
  bool admit(std::uint32_t frames, MonotonicTime now) noexcept {
    const auto from = std::max(due_, now);
    const auto then = from + step_ * std::int64_t{frames};
    if (then - now > burst_) return false;
    due_ = then;
    return true;
  }
  /// Until one frame is admitted.
  std::chrono::nanoseconds wait(MonotonicTime now) const noexcept {
    return std::max(due_ + step_ - burst_ - now, std::chrono::nanoseconds{0});
  }

  /// Notes a bad message. @returns whether it was one too many.
  bool note_bad(MonotonicTime now) noexcept {
    bad_[next_] = now;
    next_ = (next_ + 1) % bad_.size();
    if (noted_ < kMostBad) ++noted_;
    return noted_ == kMostBad && now - bad_[next_] < std::chrono::minutes(1);  // the oldest one
  }

 private:
  std::chrono::nanoseconds step_;
  std::chrono::nanoseconds burst_;
  MonotonicTime due_{};
  std::array<MonotonicTime, kMostBad> bad_{};
  std::size_t next_ = 0;
  std::size_t noted_ = 0;
};

}  // namespace portcullis::routes

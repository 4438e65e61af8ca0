#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "http/problem.hpp"

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

  /// Takes a message of so many frames, or nothing. @returns why not.
  std::optional<http::Problem> admit(std::uint32_t frames, MonotonicTime now) {
    const auto cost = step_ * std::int64_t{frames};
    if (cost > burst_) {
      return http::Problem(http::Code::rate_limited,
                           "The message has more fragments than are taken at once.");
    }
    const auto then = std::max(due_, now) + cost;
    if (then - now <= burst_) {
      due_ = then;
      return std::nullopt;
    }
    const auto wait = std::chrono::ceil<Seconds>(then - burst_ - now).count();
    return http::Problem(http::Code::rate_limited, "Too many messages. Please wait and try again.",
                         wait);
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

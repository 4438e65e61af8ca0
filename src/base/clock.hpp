#pragma once
#include <chrono>
#include <cstdint>

namespace portcullis {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using MonotonicTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// Where time comes from. Durations and deadlines use monotonic(); dates shown to people, token
/// lives and session ages use wall().
///
/// Threads: safe to call from any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime monotonic() const noexcept = 0;
  virtual WallTime wall() const noexcept = 0;
  /// As monotonic(), up to some milliseconds late but several times cheaper; for coarse deadlines.
  virtual MonotonicTime coarse() const noexcept { return monotonic(); }

  /// The clocks of this machine.
  static const Clock& system() noexcept;
};

/// A clock that a test moves by hand. Both clocks advance together.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{std::chrono::seconds{1'800'000'000}})
      : wall_(start) {}
  MonotonicTime monotonic() const noexcept override { return monotonic_; }
  WallTime wall() const noexcept override { return wall_; }
  void advance(std::chrono::nanoseconds by) noexcept {
    monotonic_ += std::chrono::duration_cast<MonotonicTime::duration>(by);
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  MonotonicTime monotonic_{std::chrono::hours{1000}};
  WallTime wall_;
};

/// Seconds since 1970 UTC.
inline std::int64_t epoch_seconds(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline std::int64_t epoch_millis(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
inline WallTime from_epoch_seconds(std::int64_t seconds) noexcept {
  return WallTime{std::chrono::seconds{seconds}};
}

}  // namespace portcullis

#pragma once
#include <cstdint>

#include "state/window.hpp"

namespace portcullis::state {

/// The pace of a key that did not stop at its limit. It comes on top of the key's windows: both
/// must admit.
///
///   stage 1  from the first refusal: limit / window, in bursts of kBurst, and none to begin with
///   stage 2  from the kRefusals-th refusal in kRefusalSpan: half of that
///   offence  more than 1.5 times the limit attempted within the window, or kRapid attempts in
///            kRapidSpan, counted from the refusal that began stage 1
///
/// A stage is left after kQuiet without a refusal, for the one below.
///
/// Threads: none of its own; the store locks.
/// Units:   time in milliseconds of one clock.
/// Source:  pacing is the generic cell rate algorithm (ITU-T I.371).
class Throttle {
 public:
  static constexpr std::uint32_t kBurst = 20;
  static constexpr std::uint32_t kRefusals = 10;
  static constexpr std::int64_t kRefusalSpan = 5 * 60'000;
  static constexpr std::uint32_t kRapid = 50;
  static constexpr std::int64_t kRapidSpan = 10'000;
  static constexpr std::int64_t kQuiet = 15 * 60'000;

  /// The limit that was reached.
  struct Limit {
    std::uint32_t units = 0;
    std::int64_t window_ms = 0;
  };

  struct Attempt {
    std::int64_t wait_ms = 0;  ///< until the pace admits it; 0: now
    bool offence = false;
  };

  /// 0: not throttled. Leaves stages that are over.
  int stage(std::int64_t now_ms) noexcept;
  /// Stage 2, whatever was before.
  void hold_back(std::int64_t now_ms, Limit limit) noexcept;
  /// Counts an attempt. REQUIRES: stage() is above 0.
  Attempt attempt(std::int64_t now_ms) noexcept;
  /// The attempt was admitted by all: it takes its place in the pace.
  void admitted(std::int64_t now_ms) noexcept;
  /// It was refused, by a window with this limit or by the pace.
  void refused(std::int64_t now_ms, Limit limit) noexcept;

 private:
  std::int64_t interval_us() const noexcept;
  void enter(int stage, std::int64_t now_ms) noexcept;

  Window attempts_;
  Window rapid_;
  Window refusals_;
  Limit limit_;
  std::int64_t next_us_ = 0;  ///< when the bucket is full again
  std::int64_t last_refusal_ms_ = 0;
  int stage_ = 0;
};

}  // namespace portcullis::state

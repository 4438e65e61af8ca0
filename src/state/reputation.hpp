#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace portcullis::state {

/// How somebody has behaved lately: from -100 (badly) over 0 (unknown) to 100.
///
/// Threads: none of its own; the store locks.
/// Units:   time in milliseconds of one clock. Half of what was is forgotten in an hour.
class Reputation {
 public:
  static constexpr double kBest = 100;
  /// Below this somebody is suspicious: half of the limits hold.
  static constexpr double kSuspicious = -10;
  /// What an admitted request gives back to somebody who was noticed.
  static constexpr double kAmends = 0.1;
  static constexpr double kHalfLife = 3600'000;

  double score(std::int64_t now_ms) const noexcept {
    return score_ == 0 ? 0
                       : score_ * std::exp2(static_cast<double>(since_ms_ - now_ms) / kHalfLife);
  }
  void add(double points, std::int64_t now_ms) noexcept {
    score_ = std::clamp(score(now_ms) + points, -kBest, kBest);
    since_ms_ = now_ms;
  }
  /// An admitted request of somebody who is in bad repute. Nothing is saved up for later.
  void amend(std::int64_t now_ms) noexcept {
    if (score_ < 0) add(std::min(kAmends, -score(now_ms)), now_ms);
  }
  bool is_suspicious(std::int64_t now_ms) const noexcept { return score(now_ms) < kSuspicious; }

 private:
  double score_ = 0;
  std::int64_t since_ms_ = 0;
};

}  // namespace portcullis::state

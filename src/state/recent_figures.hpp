#pragma once
#include <functional>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "state/store.hpp"

namespace portcullis::state {

/// The figures of a store, counted at most once a second however often they are asked for: a count
/// walks all sessions under the locks that requests need, and probes are not limited.
///
/// Threads: any. Who asks while another one counts gets what was known before.
class RecentFigures {
 public:
  static constexpr Seconds kLife{1};

  RecentFigures(std::function<StoreFigures()> count, const Clock& clock)
      : count_(std::move(count)), clock_(clock) {}

  StoreFigures get() const {
    {
      const std::lock_guard lock(mutex_);
      const MonotonicTime now = clock_.monotonic();
      if (counted_ && now - *counted_ < kLife) return figures_;
      // The very first count is waited for, under the lock; later ones are not.
      if (!counted_) figures_ = count_();
      const bool first = !counted_;
      counted_ = now;
      if (first) return figures_;
    }
    const StoreFigures fresh = count_();
    const std::lock_guard lock(mutex_);
    return figures_ = fresh;
  }

 private:
  const std::function<StoreFigures()> count_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::optional<MonotonicTime> counted_;
  mutable StoreFigures figures_;
};

}  // namespace portcullis::state

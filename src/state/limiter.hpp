#pragma once
#include <array>
#include <memory>
#include <mutex>

#include "state/recent_table.hpp"
#include "state/reputation.hpp"
#include "state/store.hpp"
#include "state/throttle.hpp"
#include "state/window.hpp"

namespace portcullis::state {

/// The windows of all keys, and the pace and reputation of those who gave a reason.
///
/// Threads: any; kShards shards with a lock each. A request locks those of its keys in order, and
/// at
///          last the one of its shared window, so the decision is exact over all threads.
/// Memory:  `max_keys` windows of 88 bytes and a sixteenth as many standings, and 5 to 10 bytes for
///          each in the indices; what was silent longest gives way.
/// Cost:    bench/micro_bench.cpp.
class Limiter {
 public:
  explicit Limiter(std::size_t max_keys, const Clock& clock = Clock::system());
  ~Limiter();

  /// Charges all windows or none. REQUIRES: at most one of them is shared, with no subject.
  Admission charge(const AdmitRequest& request);
  /// Adds to a subject's reputation. @returns what it is then.
  double note(const Key& subject, double points);
  /// Windows that are kept.
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kWindowsPerStanding = 16;
  static constexpr std::size_t kSharedShards = 16;
  static constexpr std::size_t kSharedWindows = 256;  ///< of each of these shards
  static constexpr std::size_t kMaxKeys = AdmitRequest::kMaxCharges + AdmitRequest::kMaxSubjects;

  /// How a subject stands; most have none.
  struct Standing {
    Throttle throttle;
    Reputation reputation;
  };
  struct alignas(64) Shard {
    explicit Shard(std::size_t windows_kept)
        : windows(windows_kept),
          standings(windows_kept / kWindowsPerStanding + AdmitRequest::kMaxSubjects) {}
    mutable std::mutex mutex;
    RecentTable<Window> windows;
    RecentTable<Standing> standings;
  };
  /// Windows that many requests are charged to at a time.
  struct alignas(64) SharedShard {
    mutable std::mutex mutex;
    RecentTable<Window> windows{kSharedWindows};
  };
  class Decision;
  using Locks = std::array<std::unique_lock<std::mutex>, kMaxKeys>;

  Shard& shard_of(const Key& key) const noexcept { return *shards_[key[1] % kShards]; }
  void lock(const AdmitRequest& request, Locks& locks) const;
  std::int64_t now() const;

  const Clock& clock_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
  mutable std::array<SharedShard, kSharedShards> shared_;
};

}  // namespace portcullis::state

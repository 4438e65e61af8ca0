#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.hpp"
#include "state/recent_table.hpp"

namespace portcullis::guards {

/// What a message reads like: two texts that differ in a few words or numbers have fingerprints
/// that differ in a few bits. 0 for one too short to tell.
///
/// Cost:   about 5 ns a byte, of the first 4 KiB.
/// Source: Charikar, "Similarity estimation techniques from rounding algorithms", 2002 (SimHash),
///         over runs of four bytes of letters and digits in lower case.
std::uint64_t text_fingerprint(std::string_view text);

/// How a message compares with the ones before it.
struct Repetition {
  int similar = 0;       ///< earlier ones of the last ten minutes that read like it
  bool hurried = false;  ///< the fourth within three seconds
  bool steady = false;   ///< the sixth in intervals that are all the same
};

/// The last messages of everybody: of each session, address and site, when they came and what they
/// read like. Of texts nothing is kept but fingerprints.
///
/// Threads: any; shards with a lock each.
/// Memory:  kSubjects subjects of about 300 bytes; who was silent longest gives way.
class Trails {
 public:
  static constexpr std::size_t kSubjects = 1 << 16;

  Trails();
  /// Compares with what is known of `who`, and remembers.
  Repetition note(const state::Key& who, std::uint64_t fingerprint, MonotonicTime now);
  /// Subjects that are known.
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 16;
  struct Step {
    std::uint64_t fingerprint = 0;
    std::int64_t at_ms = 0;
  };
  struct Trail {
    std::array<Step, 16> steps{};
    std::uint32_t count = 0;

    /// The k-th last one.
    const Step& back(std::uint32_t k) const noexcept {
      return steps[(count - 1 - k) % steps.size()];
    }
    std::uint32_t kept() const noexcept {
      return std::min<std::uint32_t>(count, static_cast<std::uint32_t>(steps.size()));
    }
    bool is_steady() const noexcept;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    state::RecentTable<Trail> trails{kSubjects / kShards};
  };
  std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace portcullis::guards

#include "guards/bot/trails.hpp"

#include <algorithm>
#include <bit>

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

constexpr std::size_t kLongest = 4096;
/// Letters and digits that a text must have to be compared.
constexpr std::size_t kTelling = 16;
/// Texts that have nothing in common differ in 32 bits, give or take 4.
constexpr int kNear = 8;
constexpr std::int64_t kMemoryMs = 600'000;
constexpr std::int64_t kHurryMs = 3000;
/// Of people, intervals differ by more; a program waits for the same time again and again.
constexpr std::int64_t kSteadyMs = 150;
constexpr std::uint32_t kHurried = 4;
constexpr std::uint32_t kSteady = 6;

/// Mixes 32 bits into 64 (the finaliser of MurmurHash3).
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

/// How many of the words that were added have each of their 64 bits set.
class BitCounts {
 public:
  void add(std::uint64_t word) noexcept {
    // Eight counters of a byte side by side: bits 0, 8, 16 … are counted in the first lane.
    for (std::size_t g = 0; g < 8; ++g) lanes_[g] += word >> g & 0x0101010101010101;
    if (++words_ % 255 == 0) settle();
  }
  /// The bits that more than half of the words have.
  std::uint64_t majority() noexcept {
    settle();
    std::uint64_t out = 0;
    for (std::size_t bit = 0; bit < 64; ++bit) {
      out |= std::uint64_t{2 * sums_[bit] > words_} << bit;
    }
    return out;
  }

 private:
  void settle() noexcept {
    for (std::size_t g = 0; g < 8; ++g) {
      for (std::size_t k = 0; k < 8; ++k) sums_[g + 8 * k] += lanes_[g] >> (8 * k) & 0xFF;
      lanes_[g] = 0;
    }
  }

  std::array<std::uint64_t, 8> lanes_{};
  std::array<std::uint64_t, 64> sums_{};
  std::uint64_t words_ = 0;
};

}  // namespace

std::uint64_t text_fingerprint(std::string_view text) {
  BitCounts ones;
  std::uint32_t run = 0;
  std::size_t letters = 0;
  for (const char c : text.substr(0, kLongest)) {
    // Numbers are what a program counts up.
    if (text::is_digit(c) || (static_cast<signed char>(c) >= 0 && !text::is_alpha(c))) continue;
    run = run << 8 | static_cast<unsigned char>(text::lower(c));
    if (++letters < 4) continue;
    ones.add(mix(run));
  }
  if (letters < kTelling) return 0;
  const std::uint64_t out = ones.majority();
  return out == 0 ? 1 : out;
}

Trails::Trails() : shards_(std::make_unique<std::array<Shard, kShards>>()) {}

bool Trails::Trail::is_steady() const noexcept {
  if (count < kSteady) return false;
  std::int64_t least = INT64_MAX;
  std::int64_t most = 0;
  for (std::uint32_t k = 0; k + 1 < kSteady; ++k) {
    const std::int64_t interval = back(k).at_ms - back(k + 1).at_ms;
    least = std::min(least, interval);
    most = std::max(most, interval);
  }
  return most - least <= kSteadyMs;
}

Repetition Trails::note(const state::Key& who, std::uint64_t fingerprint, MonotonicTime now) {
  const std::int64_t now_ms =
      std::chrono::duration_cast<Milliseconds>(now.time_since_epoch()).count();
  Shard& shard = (*shards_)[who[1] % kShards];
  const std::lock_guard lock(shard.mutex);
  Trail& trail = shard.trails.touch(who);
  Repetition out;
  for (std::uint32_t k = 0; k < trail.kept(); ++k) {
    const Step& step = trail.back(k);
    if (now_ms - step.at_ms > kMemoryMs) break;
    if (fingerprint != 0 && step.fingerprint != 0 &&
        std::popcount(step.fingerprint ^ fingerprint) <= kNear) {
      ++out.similar;
    }
  }
  trail.steps[trail.count++ % trail.steps.size()] = {fingerprint, now_ms};
  out.hurried = trail.count >= kHurried && now_ms - trail.back(kHurried - 1).at_ms <= kHurryMs;
  out.steady = trail.is_steady();
  return out;
}

std::size_t Trails::size() const {
  std::size_t sum = 0;
  for (auto& shard : *shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.trails.size();
  }
  return sum;
}

}  // namespace portcullis::guards

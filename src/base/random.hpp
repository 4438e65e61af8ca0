#pragma once
#include <array>
#include <cstdint>

namespace portcullis {

/// A fast source of unpredictable-looking bits for ids and jitter: xoshiro256** seeded from the
/// kernel. Not for keys, tokens or session ids: those use crypto::random_bytes.
///
/// Threads: not thread-safe; local() is one instance per thread.
/// Source:  Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018.
class FastRandom {
 public:
  FastRandom();
  explicit FastRandom(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;
  /// Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [0, 1).
  double unit() noexcept;

  static FastRandom& local();

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace portcullis

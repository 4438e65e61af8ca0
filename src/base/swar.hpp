#pragma once
#include <cstdint>
#include <cstring>

/// Eight bytes at a time in a plain register: finds out whether any of them needs a closer look.
///
/// Source: S. E. Anderson, "Bit Twiddling Hacks": words with a zero byte, with a byte less than n.
namespace portcullis::swar {

inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHighBits = 0x80 * kOnes;

inline std::uint64_t load(const char* eight_bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, eight_bytes, sizeof word);
  return word;
}

/// Whether a byte is below `n`. REQUIRES: n <= 128.
constexpr bool any_below(std::uint64_t word, unsigned n) noexcept {
  return ((word - kOnes * n) & ~word & kHighBits) != 0;
}
constexpr bool any_equal(std::uint64_t word, unsigned char c) noexcept {
  return any_below(word ^ (kOnes * c), 1);
}
constexpr bool any_beyond_ascii(std::uint64_t word) noexcept { return (word & kHighBits) != 0; }

}  // namespace portcullis::swar

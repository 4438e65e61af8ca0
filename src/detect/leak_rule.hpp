#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "detect/finding.hpp"

namespace portcullis::detect {

/// What a pattern of a rule of answers matches at most, in bytes.
inline constexpr std::size_t kLongestLeakPattern = 192;

/// How far what was found goes on behind a match.
enum class LeakTail : std::uint8_t {
  none,
  token,      ///< letters, digits and "_-."
  line,       ///< all of the line
  two_lines,  ///< and the next one
  pem,        ///< to the end of a block between dashes
};

/// One rule as it was compiled from its file in rules/leaks/.
struct LeakRule {
  std::string_view id;
  LeakTail tail = LeakTail::none;
  std::string_view reason;
  std::span<const std::string_view> must_match;
  std::span<const std::string_view> must_pass;
};

struct LeakPattern {
  std::uint16_t rule = 0;
  /// What it matches always has this length, and begins where no word does before it. 0: what is
  /// found is the line in which a match ends.
  std::uint16_t token_width = 0;
};

/// All rules, and the serialised Vectorscan database of their patterns.
struct LeakPack {
  std::span<const LeakRule> rules;
  std::span<const LeakPattern> patterns;  ///< in the order of the database
  std::span<const char> database;
};

/// The pack that is part of the program: rules/leaks/, compiled at build time.
LeakPack embedded_leak_rules();

}  // namespace portcullis::detect

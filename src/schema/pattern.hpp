#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace portcullis::schema {

/// A regular expression as JSON Schema recommends them (2020-12, section 6.4), and what needs no
/// more than they: `\d` `\w` `\s` and their opposites, `.`, `(?:…)`, `\xHH`, `\uHHHH`, `\u{H…}`.
/// What could not be matched in one pass (look-around, back references, `\b`) is refused, and so is
/// what is outside of ECMA-262 with its flag `u`.
///
/// Threads: immutable; any thread.
/// Errors:  the detail says what is wrong, and at which byte.
/// Cost:    one table look-up for each code point of a text, whatever pattern and text are. The
///          table is made by compile() and bounded there: a pattern that needs more is refused.
/// Source:  Thompson's construction and the subset construction; ECMA-262 section 22.2.1.
class Pattern {
 public:
  static Result<Pattern> compile(std::string_view source);

  /// Whether some part of the text matches; all of it counts between `^` and `$`.
  /// REQUIRES: valid UTF-8.
  bool matches(std::string_view text) const noexcept;

 private:
  friend class PatternTable;
  Pattern() = default;
  std::uint16_t class_of(std::uint32_t code_point) const noexcept;

  static constexpr std::uint8_t kMatched = 1;  ///< whatever follows
  static constexpr std::uint8_t kMatchesAtEnd = 2;
  static constexpr std::uint8_t kDead = 4;  ///< nothing can match any more

  std::array<std::uint16_t, 128> ascii_{};    ///< classes of code points
  std::vector<std::uint32_t> bounds_;         ///< where the next class begins
  std::vector<std::uint16_t> bound_classes_;  ///< by bound
  std::size_t classes_ = 0;
  std::vector<std::uint16_t> next_;  ///< state × class
  std::vector<std::uint8_t> flags_;  ///< by state; the first one is the beginning
};

}  // namespace portcullis::schema

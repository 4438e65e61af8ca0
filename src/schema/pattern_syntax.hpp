#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace portcullis::schema {

/// Code points from one to another, both included; sorted, without overlaps.
using CodePointSet = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

inline constexpr std::uint32_t kLastCodePoint = 0x10ffff;

/// A regular expression as a tree.
struct Expression {
  enum class Kind : std::uint8_t { set, begin, end, sequence, choice, repeat };
  static constexpr std::uint32_t kUnbounded = UINT32_MAX;

  Kind kind = Kind::sequence;
  CodePointSet set{};
  std::uint32_t least = 0;  ///< of a repetition
  std::uint32_t most = 0;
  std::vector<Expression> parts{};  ///< of a sequence (none: it is empty), a choice or a repetition
};

/// Errors: what pattern.hpp says.  REQUIRES: valid UTF-8.
Result<Expression> parse_pattern(std::string_view source);

}  // namespace portcullis::schema

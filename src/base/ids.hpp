#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace portcullis {

/// A ULID: 48 bits of milliseconds, 80 random bits, 26 characters that sort by time.
/// Within one thread and millisecond the random part counts up, so ids stay strictly increasing.
///
/// Source: github.com/ulid/spec.
class Ulid {
 public:
  constexpr Ulid() = default;
  static Ulid make(WallTime now);
  static std::optional<Ulid> parse(std::string_view text);

  std::string text() const;
  std::int64_t millis() const noexcept { return static_cast<std::int64_t>(high_ >> 16); }
  bool empty() const noexcept { return high_ == 0 && low_ == 0; }
  auto operator<=>(const Ulid&) const = default;

 private:
  std::uint64_t high_ = 0;  ///< 48 bits of time, then 16 random bits
  std::uint64_t low_ = 0;   ///< 64 random bits
};

/// A random UUID (RFC 9562 section 5.4) in its 36-character form.
struct Uuid {
  std::array<char, 36> text{};
  static Uuid random(FastRandom& source);
  std::string_view view() const noexcept { return {text.data(), text.size()}; }
};

}  // namespace portcullis

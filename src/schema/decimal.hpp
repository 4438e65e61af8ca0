#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::schema {

/// A number as it was written, with all of its digits: 1, 1.0 and 10e-1 are the same one, and
/// 12345678901234567890123 is not rounded.
///
/// Threads: a value.
/// Cost:    linear in the digits; numbers of at most 15 digits need no allocation.
class Decimal {
 public:
  Decimal() = default;  ///< zero
  explicit Decimal(std::int64_t number);
  explicit Decimal(std::uint64_t number);
  /// The shortest number that is read as this double. REQUIRES: finite.
  explicit Decimal(double number);
  /// REQUIRES: a number of RFC 8259.
  explicit Decimal(std::string_view literal);

  bool is_zero() const noexcept { return digits_.empty(); }
  bool is_integer() const noexcept { return is_zero() || exponent_ >= 0; }
  bool is_negative() const noexcept { return negative_; }
  /// REQUIRES: is_step() of `step`.
  bool is_multiple_of(const Decimal& step) const noexcept;
  /// Whether others can be checked to be multiples of this one: above zero, and of so few digits
  /// that remainders fit into 64 bits.
  bool is_step() const noexcept;
  /// One text for one number.
  void append_to(std::string& out) const;

  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept;
  friend bool operator==(const Decimal& a, const Decimal& b) noexcept = default;

 private:
  bool negative_ = false;
  std::string digits_;         ///< neither begin nor end with 0; empty: zero
  std::int64_t exponent_ = 0;  ///< of ten, behind the last digit
};

}  // namespace portcullis::schema

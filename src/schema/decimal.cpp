#include "schema/decimal.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace portcullis::schema {
namespace {

constexpr std::size_t kMaxStepDigits = 18;
/// Beyond it an exponent says "huge" or "tiny", whatever the digits are.
constexpr std::int64_t kMaxExponent = 1'000'000'000;

std::int64_t exponent_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  std::int64_t value = kMaxExponent;
  const auto digits = text.substr(negative ? 1 : 0);
  if (const auto number = text::parse_number<std::uint32_t>(digits)) {
    value = std::min<std::int64_t>(*number, kMaxExponent);
  }
  return negative ? -value : value;
}

__extension__ using Wide = unsigned __int128;

std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) {
  return static_cast<std::uint64_t>(Wide{a} * b % modulus);
}

/// 10^exponent modulo `modulus`.
std::uint64_t power_of_ten(std::uint64_t exponent, std::uint64_t modulus) {
  std::uint64_t out = 1 % modulus;
  for (std::uint64_t base = 10 % modulus; exponent > 0; exponent >>= 1) {
    if (exponent & 1) out = times(out, base, modulus);
    base = times(base, base, modulus);
  }
  return out;
}

/// Room for any integer of 64 bits and any shortest double.
struct Text {
  char room[32];
  std::string_view view;

  template <class Number>
  explicit Text(Number number) {
    view = {room, std::to_chars(room, room + sizeof room, number).ptr};
  }
};

}  // namespace

Decimal::Decimal(std::int64_t number) : Decimal(Text(number).view) {}
Decimal::Decimal(std::uint64_t number) : Decimal(Text(number).view) {}
Decimal::Decimal(double number) : Decimal(Text(number).view) {}

Decimal::Decimal(std::string_view literal) {
  negative_ = literal.starts_with('-');
  if (negative_) literal.remove_prefix(1);
  const auto e = std::min(literal.find_first_of("eE"), literal.size());
  if (e < literal.size()) exponent_ = exponent_of(literal.substr(e + 1));
  const auto mantissa = literal.substr(0, e);
  const auto point = std::min(mantissa.find('.'), mantissa.size());
  digits_ = mantissa.substr(0, point);
  if (point < mantissa.size()) {
    const auto fraction = mantissa.substr(point + 1);
    digits_ += fraction;
    exponent_ -= static_cast<std::int64_t>(fraction.size());
  }
  const auto last = digits_.find_last_not_of('0');
  if (last == std::string::npos) {
    *this = {};
    return;
  }
  exponent_ += static_cast<std::int64_t>(digits_.size() - last - 1);
  digits_.resize(last + 1);
  digits_.erase(0, digits_.find_first_not_of('0'));
}

bool Decimal::is_step() const noexcept {
  return !negative_ && !is_zero() && digits_.size() <= kMaxStepDigits;
}

bool Decimal::is_multiple_of(const Decimal& step) const noexcept {
  if (is_zero()) return true;
  // Our last digit is not 0, so that no power of ten that the step has more can divide us.
  if (exponent_ < step.exponent_) return false;
  const auto modulus = *text::parse_number<std::uint64_t>(step.digits_);
  std::uint64_t rest = 0;
  for (const char digit : digits_) {
    rest = static_cast<std::uint64_t>((Wide{rest} * 10 + static_cast<unsigned>(digit - '0')) %
                                      modulus);
  }
  const auto more = static_cast<std::uint64_t>(exponent_ - step.exponent_);
  return times(rest, power_of_ten(more, modulus), modulus) == 0;
}

void Decimal::append_to(std::string& out) const {
  if (is_zero()) {
    out += '0';
    return;
  }
  if (negative_) out += '-';
  out += digits_;
  if (exponent_ == 0) return;
  out += 'e';
  text::append_number(out, exponent_);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
  const auto sign = [](const Decimal& d) { return d.is_zero() ? 0 : d.negative_ ? -1 : 1; };
  if (const auto by_sign = sign(a) <=> sign(b); by_sign != 0 || a.is_zero()) return by_sign;
  const auto size = [](const Decimal& d) {
    return static_cast<std::int64_t>(d.digits_.size()) + d.exponent_;
  };
  auto by_size = size(a) <=> size(b);
  if (by_size == 0) by_size = a.digits_.compare(b.digits_) <=> 0;
  return a.negative_ ? 0 <=> by_size : by_size;
}

}  // namespace portcullis::schema

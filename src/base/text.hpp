#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

/// Small functions over ASCII and UTF-8 text. None depends on a locale; all are linear.
namespace portcullis::text {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/// The characters of a token, such as the name of a header or cookie (RFC 9110 section 5.6.2).
inline constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    table[static_cast<std::size_t>(c)] =
        is_alnum(ch) || std::string_view("!#$%&'*+-.^_`|~").find(ch) != std::string_view::npos;
  }
  return table;
}();
constexpr bool is_token_char(char c) noexcept { return kTokenChars[static_cast<unsigned char>(c)]; }
constexpr bool is_token(std::string_view s) noexcept {
  return !s.empty() && std::ranges::all_of(s, is_token_char);
}

std::string to_lower(std::string_view s);
std::string to_upper(std::string_view s);
/// Equal but for the case of ASCII letters.
bool iequals(std::string_view a, std::string_view b) noexcept;
bool istarts_with(std::string_view s, std::string_view prefix) noexcept;
/// Without ASCII white space at both ends.
std::string_view trim(std::string_view s) noexcept;
/// Without Unicode white space at both ends: what a person calls blank. REQUIRES: valid UTF-8.
std::string_view trim_unicode(std::string_view s) noexcept;
/// The pieces between separators, trimmed; empty pieces are left out.
std::vector<std::string_view> split_list(std::string_view s, char separator = ',');

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view s) noexcept;
/// Number of code points. REQUIRES: valid UTF-8.
std::size_t utf8_length(std::string_view s) noexcept;
/// A code point and its length in bytes; a byte that begins none is U+FFFD.
struct CodePoint {
  std::uint32_t value = 0xfffd;
  std::size_t bytes = 1;
};
/// REQUIRES: i < s.size().
CodePoint code_point_at(std::string_view s, std::size_t i) noexcept;
/// The longest prefix of at most `max_bytes` that does not cut a code point.
std::string_view utf8_prefix(std::string_view s, std::size_t max_bytes) noexcept;
/// How many bytes at the end of `s` begin a code point that is not complete yet (0 to 3).
std::size_t incomplete_utf8_suffix(std::string_view s) noexcept;
/// `s` with every ill-formed sequence replaced by U+FFFD.
std::string to_valid_utf8(std::string_view s);

/// The whole of `s` as a decimal number: no sign for unsigned types, no space, no overflow.
template <std::integral T>
std::optional<T> parse_number(std::string_view s) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc{} || end != s.data() + s.size() || s.empty()) return std::nullopt;
  return value;
}

/// Percent-decodes once; nullopt where a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view s);

/// Unreserved characters (RFC 3986 section 2.3) as they are, all others as %XX: a value of a form.
void append_percent_encoded(std::string& out, std::string_view s);

std::string base64url(std::string_view bytes);  ///< without padding
void append_base64url(std::string& out, std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);  ///< canonical, without padding
std::string hex(std::string_view bytes);

/// `2026-11-21T22:43:15Z` and `2026-11-21T22:43:15.123Z`.
std::string iso8601(WallTime time);
std::string iso8601_millis(WallTime time);
/// A time as RFC 3339 section 5.6 writes it, in any zone, with a fraction or none; from 1970 to
/// 2199.
std::optional<WallTime> parse_iso8601(std::string_view s) noexcept;
/// RFC 9110 section 5.6.7: `Sat, 21 Nov 2026 22:43:15 GMT`.
std::string http_date(WallTime time);

/// Appends a decimal number.
template <std::integral T>
void append_number(std::string& out, T value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  (void)error;
  out.append(digits, end);
}

/// Appends `s` as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD, so that the
/// result is always valid JSON. U+2028/2029 are escaped, so that it is valid JavaScript as well.
void append_json_string(std::string& out, std::string_view s);

}  // namespace portcullis::text

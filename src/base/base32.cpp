#include "base/base32.hpp"

#include "base/text.hpp"

namespace portcullis::text {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// -1 where it is none of the alphabet.
constexpr int value_of(char c) noexcept {
  if (is_alpha(c)) return lower(c) - 'a';
  return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/// How many characters may stand behind the last whole group of eight.
constexpr bool is_length(std::size_t size) noexcept {
  const std::size_t rest = size % 8;
  return rest != 1 && rest != 3 && rest != 6;
}

}  // namespace

std::string base32(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xfff;
    for (count += 8; count >= 5; count -= 5) out += kAlphabet[bits >> (count - 5) & 31];
  }
  if (count > 0) out += kAlphabet[bits << (5 - count) & 31];
  return out;
}

std::optional<std::string> base32_decode(std::string_view text) {
  if (!is_length(text.size())) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 5 / 8);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 5 | static_cast<unsigned>(value)) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace portcullis::text

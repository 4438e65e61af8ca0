#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis::detect {

/// Which kinds of characters a text has. Most messages have letters, digits and plain punctuation
/// only, and what needs more than that to be an attack is not looked for in them.
///
/// Cost: one table look-up a byte.
class Marks {
 public:
  enum Mark : std::uint32_t {
    quote = 1U << 0,      // ' " `
    percent = 1U << 1,    // %
    ampersand = 1U << 2,  // &
    backslash = 1U << 3,  // backslash
    angle = 1U << 4,      // <
    brace = 1U << 5,      // {
    dollar = 1U << 6,     // $
    separator = 1U << 7,  // ; |
    paren = 1U << 8,      // (
    slash = 1U << 9,      // /
    equals = 1U << 10,    // =
    hash = 1U << 11,      // #
    at = 1U << 12,        // @
    bracket = 1U << 13,   // [
    control = 1U << 14,   // C0 but tab and line ends
    beyond = 1U << 15,    // above ASCII
    digit = 1U << 16,     // 0-9
    line_end = 1U << 17,  // CR LF
    colon = 1U << 18,     // :
    backtick = 1U << 19,  // ` alone
    compare = 1U << 20,   // > ! - *
  };

  constexpr Marks() = default;
  explicit constexpr Marks(std::string_view text) noexcept {
    for (const char c : text) bits_ |= kTable[static_cast<unsigned char>(c)];
  }
  constexpr bool any(std::uint32_t marks) const noexcept { return (bits_ & marks) != 0; }

 private:
  static constexpr std::array<std::uint32_t, 256> make_table() noexcept {
    std::array<std::uint32_t, 256> table{};
    const auto set = [&](std::string_view chars, std::uint32_t mark) {
      for (const char c : chars) table[static_cast<unsigned char>(c)] |= mark;
    };
    for (unsigned c = 0; c < 0x20; ++c) table[c] = control;
    table['\t'] = 0;
    table['\n'] = table['\r'] = line_end;
    table[0x7f] = control;
    for (unsigned c = 0x80; c < 0x100; ++c) table[c] = beyond;
    set("'\"`", quote);
    set("%", percent);
    set("&", ampersand);
    set("\\", backslash);
    set("<", angle);
    set("{", brace);
    set("$", dollar);
    set(";|", separator);
    set("(", paren);
    set("/", slash);
    set("=", equals);
    set("#", hash);
    set("@", at);
    set("[", bracket);
    set("0123456789", digit);
    set(":", colon);
    set("`", backtick);
    set(">!-*", compare);
    return table;
  }
  static const std::array<std::uint32_t, 256> kTable;
  std::uint32_t bits_ = 0;
};

inline constexpr std::array<std::uint32_t, 256> Marks::kTable = Marks::make_table();

}  // namespace portcullis::detect

#pragma once
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace portcullis::http {

/// The characters of a token, such as a header name (RFC 9110 section 5.6.2).
inline constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    table[static_cast<std::size_t>(c)] =
        text::is_alnum(ch) ||
        std::string_view("!#$%&'*+-.^_`|~").find(ch) != std::string_view::npos;
  }
  return table;
}();

constexpr bool is_token_char(char c) noexcept { return kTokenChars[static_cast<unsigned char>(c)]; }

}  // namespace portcullis::http

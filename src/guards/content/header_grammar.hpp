#pragma once
#include <cstdint>
#include <string_view>

namespace portcullis::guards {

/// How the value of a header is judged.
enum class HeaderKind : std::uint8_t {
  grammar,     ///< has a grammar, and that is enough
  url,         ///< the address of a page: its path and query are structure
  words,       ///< written by people and programs alike: held as prose
  credential,  ///< read by the guards that know it, and never looked at here
  unknown,     ///< structure
};

/// @returns the kind of a header; names in any case.
HeaderKind kind_of_header(std::string_view name) noexcept;

/// Whether a value of a header with a grammar follows it: lists of tokens, parameters and quoted
/// strings (RFC 9110 section 5.6), languages, dates, structured fields. Nothing in them is a tag, a
/// script or an expression, so no word needs to be forbidden.
bool follows_grammar(std::string_view value) noexcept;

/// Whether a value has the characters of a URL and no others (RFC 3986 section 2).
bool is_url_text(std::string_view value) noexcept;

}  // namespace portcullis::guards

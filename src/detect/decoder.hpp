#pragma once
#include <string>
#include <string_view>

#include "detect/marks.hpp"

/// One step of decoding each: what another program might read in a text.
///
/// Threads: any; pure.
/// Errors:  none. What is no escape stays as it is; wrong input is decoded as lenient readers do.
/// Cost:    one pass; `out` never grows beyond the length of `text`.
namespace portcullis::detect {

/// Percent (%41, %u0041), backslash (\x41, \u0041, \u{41}, \101) and HTML (&#65;, &#x41;, &lt;)
/// escapes. @returns false where there was none; `out` is then of no use.
bool decode_escapes(std::string_view text, std::string& out);

/// Looks through what only makes characters look different: full-width, overlong and mathematical
/// forms become ASCII; zero-width characters, soft hyphens, NUL and other controls vanish.
/// @returns false where there was nothing of it.
bool fold_characters(std::string_view text, std::string& out);

/// Every run of plausible base64 that decodes to text, one a line. @returns false without any.
bool decode_base64_runs(std::string_view text, std::string& out);

/// Whether a step could change a text with these marks.
constexpr bool may_hold_escapes(Marks marks) noexcept {
  return marks.any(Marks::percent | Marks::ampersand | Marks::backslash);
}
constexpr bool may_need_folding(Marks marks) noexcept {
  return marks.any(Marks::beyond | Marks::control);
}

}  // namespace portcullis::detect

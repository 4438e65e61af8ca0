#pragma once
#include <string_view>

namespace portcullis::http {

/// Whether the name of an upload is safe as the name of a file on any system, and says what it
/// seems to say: UTF-8; no separators, no characters that Windows refuses, no `;` (old servers
/// end a name there), no controls, none that
/// turn the direction of text; no dots in front, behind or beside each other; no space at an end;
/// no device of Windows (`con.txt`); no extension of a script before the last one (`x.php.txt`);
/// nothing that a reader of forms could decode (`%2f`).
///
/// Threads: any.
bool is_safe_file_name(std::string_view name) noexcept;

}  // namespace portcullis::http

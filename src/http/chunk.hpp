#pragma once
#include <charconv>
#include <string>
#include <string_view>

namespace portcullis::http {

/// Appends one chunk of a chunked body (RFC 9112 section 7.1); an empty one ends it.
inline void append_chunk(std::string& out, std::string_view data) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, data.size(), 16).ptr);
  out += "\r\n";
  out += data;
  out += "\r\n";
}

}  // namespace portcullis::http

#pragma once
#include <concepts>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace portcullis::text {

/// Appends the name of an object's next member, and opens the object where `out` is empty. Whoever
/// writes the object closes it.
inline void append_json_name(std::string& out, std::string_view name) {
  if (out.empty()) {
    out += '{';
  } else if (out.back() != '{') {
    out += ',';
  }
  append_json_string(out, name);
  out += ':';
}

inline void append_json_member(std::string& out, std::string_view name, std::string_view value) {
  append_json_name(out, name);
  append_json_string(out, value);
}

template <std::integral T>
void append_json_member(std::string& out, std::string_view name, T value) {
  append_json_name(out, name);
  append_number(out, value);
}

}  // namespace portcullis::text

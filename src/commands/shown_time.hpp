#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json_text.hpp"

namespace portcullis::commands {

/// "2026-11-21T22:43:15Z", or "-" where it has not happened.
inline std::string shown(const std::optional<WallTime>& time) {
  return time ? text::iso8601(*time) : "-";
}

/// The same as a member of an object, or null.
inline void append_json_time(std::string& out, std::string_view name,
                             const std::optional<WallTime>& time) {
  if (time) return text::append_json_member(out, name, text::iso8601(*time));
  text::append_json_name(out, name);
  out += "null";
}

}  // namespace portcullis::commands

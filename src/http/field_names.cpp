#include "http/field_names.hpp"

#include <algorithm>

namespace portcullis::http {
namespace {

/// `[…][…]…`, or nothing.
bool are_keys(std::string_view keys) {
  while (!keys.empty()) {
    const auto end = keys.find_first_of("[]", 1);
    if (keys.front() != '[' || end == std::string_view::npos || keys[end] != ']') return false;
    keys.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string_view> FieldNames::add_field(std::string_view name) {
  return add(name, false);
}

std::optional<std::string_view> FieldNames::add_file(std::string_view name) {
  return add(name, true);
}

std::optional<std::string_view> FieldNames::add(std::string_view name, bool is_file) {
  const auto bracket = std::min(name.find('['), name.size());
  Name added{std::string(name.substr(0, bracket)), std::string(name.substr(bracket)), is_file};
  added.base.erase(0, added.base.find_first_not_of(' '));
  std::ranges::replace_if(added.base, [](char c) { return c == ' ' || c == '.'; }, '_');
  if (added.base.empty()) return "The form has a field without a name.";
  if (added.base.contains(']') || !are_keys(added.keys)) {
    return "The form has a field whose name has brackets that do not close.";
  }
  for (const auto& before : names_) {
    if (before.base != added.base || (before.is_file && is_file)) continue;
    const bool both_have_keys = !before.keys.empty() && !added.keys.empty();
    if (before.is_file != is_file || !both_have_keys || before.keys == added.keys) {
      return "The form has a field twice.";
    }
  }
  names_.push_back(std::move(added));
  return std::nullopt;
}

}  // namespace portcullis::http

#include "http/field_names.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

/// Without ASCII white space and U+00A0 in front.
std::string_view without_space_before(std::string_view name) {
  while (true) {
    if (!name.empty() && text::is_space(name.front())) {
      name.remove_prefix(1);
    } else if (name.starts_with("\xc2\xa0")) {
      name.remove_prefix(2);
    } else {
      return name;
    }
  }
}

std::string_view without_space(std::string_view name) {
  name = without_space_before(name);
  while (true) {
    if (!name.empty() && text::is_space(name.back())) {
      name.remove_suffix(1);
    } else if (name.ends_with("\xc2\xa0")) {
      name.remove_suffix(2);
    } else {
      return name;
    }
  }
}

/// As PHP has it, and those after it.
std::string underscored(std::string_view name) {
  std::string out(without_space_before(name));
  std::ranges::replace_if(out, [](char c) { return c == ' ' || c == '.'; }, '_');
  return out;
}

/// Those of `[…][…]…`, or of nothing; nullopt where brackets do not close.
std::optional<std::vector<std::string>> keys_of(std::string_view brackets) {
  std::vector<std::string> out;
  while (!brackets.empty()) {
    const auto end = brackets.find_first_of("[]", 1);
    if (brackets.front() != '[' || end == std::string_view::npos || brackets[end] != ']') {
      return std::nullopt;
    }
    out.emplace_back(without_space(brackets.substr(1, end - 1)));
    brackets.remove_prefix(end + 1);
  }
  return out;
}

/// Whether both can be members of one map: a list, a value and a map are not.
bool are_beside(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  return in_a != a.end() && in_b != b.end() && !in_a->empty() && !in_b->empty();
}

}  // namespace

std::optional<std::string_view> FieldNames::add_field(std::string_view name) {
  return add(name, false);
}

std::optional<std::string_view> FieldNames::add_file(std::string_view name) {
  return add(name, true);
}

std::optional<std::string_view> FieldNames::add(std::string_view name, bool is_file) {
  const std::string lower = text::to_lower(name);
  const std::string_view view = lower;
  const auto bracket = std::min(view.find('['), view.size());
  const auto base = view.substr(0, bracket);
  auto keys = keys_of(view.substr(bracket));
  if (without_space(base).empty()) return "The form has a field without a name.";
  if (base.contains(']') || !keys) {
    return "The form has a field whose name has brackets that do not close.";
  }
  Name added{std::string(without_space(base)), underscored(base), std::move(*keys), is_file};
  for (const auto& before : names_) {
    const bool is_same = before.base == added.base || before.underscored == added.underscored;
    if (!is_same || (before.is_file && is_file)) continue;
    if (before.is_file != is_file || !are_beside(before.keys, added.keys)) {
      return "The form has a field twice.";
    }
  }
  names_.push_back(std::move(added));
  return std::nullopt;
}

}  // namespace portcullis::http

#include "http/header_block.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

constexpr bool ends_line(char c) noexcept { return c == '\r' || c == '\n' || c == '\0'; }

}  // namespace

void HeaderBlock::add(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ": ";
  const std::size_t start = text_.size();
  text_ += value;
  if (std::ranges::any_of(value, ends_line)) {
    std::replace_if(text_.begin() + static_cast<std::ptrdiff_t>(start), text_.end(), ends_line,
                    ' ');
  }
  text_ += "\r\n";
}

void HeaderBlock::add_number(std::string_view name, std::int64_t value) {
  text_ += name;
  text_ += ": ";
  text::append_number(text_, value);
  text_ += "\r\n";
}

std::string_view HeaderBlock::find(std::string_view name) const noexcept {
  std::string_view found;
  for_each([&](std::string_view n, std::string_view value) {
    if (found.data() == nullptr && text::iequals(n, name)) found = value;
  });
  return found;
}

bool HeaderBlock::contains(std::string_view name) const noexcept {
  return find(name).data() != nullptr;
}

}  // namespace portcullis::http

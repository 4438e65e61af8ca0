#include "http/header_block.hpp"

#include "base/text.hpp"

namespace portcullis::http {

void HeaderBlock::add(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ": ";
  const std::size_t start = text_.size();
  text_ += value;
  for (std::size_t i = start; i < text_.size(); ++i) {
    if (text_[i] == '\r' || text_[i] == '\n' || text_[i] == '\0') text_[i] = ' ';
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

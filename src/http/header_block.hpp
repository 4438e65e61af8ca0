#pragma once
#include <string>
#include <string_view>

namespace portcullis::http {

/// Response headers in the form in which HTTP/1.1 sends them: `Name: value\r\n` after one another.
/// Appending is a copy, so a constant group of headers can be prepared once and added whole.
///
/// Threads: value type.  Errors: characters that would end a line are replaced by spaces, so that
/// no value can start a header of its own (RFC 9110 section 5.5).
class HeaderBlock {
 public:
  void add(std::string_view name, std::string_view value);
  void add_number(std::string_view name, std::int64_t value);
  /// Appends all of another block.
  void add_block(const HeaderBlock& block) { text_ += block.text_; }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }

  std::string_view text() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  bool contains(std::string_view name) const noexcept;
  /// The first value of this name; empty where there is none.
  std::string_view find(std::string_view name) const noexcept;

  /// Calls visit(name, value) for each line.
  template <class Visit>
  void for_each(Visit visit) const {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find("\r\n"));
      const auto colon = line.find(": ");
      visit(line.substr(0, colon), line.substr(colon + 2));
      rest.remove_prefix(line.size() + 2);
    }
  }

 private:
  std::string text_;
};

}  // namespace portcullis::http

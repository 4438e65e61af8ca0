#pragma once
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::state {

/// Takes what stands before the next space, or all that is left, off the front of a text.
inline std::string_view take_word(std::string_view& text) noexcept {
  const auto space = text.find(' ');
  const auto out = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return out;
}

/// The words of a command in one piece of memory.
class Words {
 public:
  Words() { text_.reserve(512); }
  template <class... Part>
  void add(const Part&... parts) {
    (text_.append(parts), ...);
    ends_.push_back(text_.size());
  }
  void add(std::int64_t number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    add(std::string_view(digits.data(), end));
  }
  /// Valid until the next word is added.
  std::vector<std::string_view> views() const {
    std::vector<std::string_view> out;
    out.reserve(ends_.size());
    std::size_t from = 0;
    for (const auto end : ends_) {
      out.push_back(std::string_view(text_).substr(from, end - from));
      from = end;
    }
    return out;
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

}  // namespace portcullis::state

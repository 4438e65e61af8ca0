#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/marks.hpp"

namespace portcullis::detect {

/// A text and everything that decoding it, again and again, yields: each distinct form is a view.
///
/// Bounds: kMost views, kDepth steps from the text, and kGrowth times its length in all. What lies
///         beyond is not looked at, and no reader that we know decodes so often.
/// Cost:   buffers are kept from one text to the next, so that nothing is allocated for long.
class Views {
 public:
  static constexpr std::size_t kMost = 8;
  static constexpr unsigned kDepth = 4;
  static constexpr std::size_t kGrowth = 4;

  struct View {
    std::string_view text;
    Marks marks;
    unsigned depth = 0;
  };

  /// Forgets what was and takes this text apart. `text` is borrowed until the next call.
  void build(std::string_view text);
  std::size_t size() const noexcept { return count_; }
  const View& operator[](std::size_t i) const noexcept { return views_[i]; }

 private:
  using Step = bool (*)(std::string_view, std::string&);
  void take(Step step, std::size_t from);
  bool known(std::string_view text) const noexcept;

  std::array<View, kMost> views_;
  std::array<std::string, kMost> buffers_;
  std::size_t count_ = 0;
  std::size_t room_ = 0;  ///< bytes that further views may have
};

}  // namespace portcullis::detect

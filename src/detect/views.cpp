#include "detect/views.hpp"

#include <algorithm>

#include "detect/decoder.hpp"

namespace portcullis::detect {

void Views::build(std::string_view text) {
  views_[0] = {text, Marks(text), 0};
  count_ = 1;
  room_ = kGrowth * text.size();
  for (std::size_t i = 0; i < count_; ++i) {
    const View view = views_[i];
    if (view.depth == kDepth) continue;
    if (may_need_folding(view.marks)) take(fold_characters, i);
    if (may_hold_escapes(view.marks)) take(decode_escapes, i);
    take(decode_base64_runs, i);
  }
}

void Views::take(Step step, std::size_t from) {
  if (count_ == kMost) return;
  std::string& buffer = buffers_[count_];
  if (!step(views_[from].text, buffer) || buffer.size() > room_ || known(buffer)) return;
  room_ -= buffer.size();
  views_[count_] = {buffer, Marks(buffer), views_[from].depth + 1};
  ++count_;
}

bool Views::known(std::string_view text) const noexcept {
  return std::ranges::any_of(views_.begin(), views_.begin() + static_cast<std::ptrdiff_t>(count_),
                             [&](const View& view) { return view.text == text; });
}

}  // namespace portcullis::detect

#include "detect/sanitised_copy.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "detect/decoder.hpp"
#include "detect/views.hpp"

namespace portcullis::detect {
namespace {

constexpr bool begins_tag(char after_angle) noexcept {
  return text::is_alpha(after_angle) || after_angle == '/' || after_angle == '!' ||
         after_angle == '?';
}

/// Drops each tag, up to its `>` or the end of the text.
std::string without_tags(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    // What stands before a tag that was dropped must not become one with what stands after it.
    if (!out.empty() && out.back() == '<' && begins_tag(text[i])) {
      out.pop_back();
      i = std::min(text.find('>', i), text.size());
      continue;
    }
    out += text[i];
  }
  return out;
}

/// The first form of a text, decoded step by step, that has a tag; empty where there is none.
std::string decoded_with_tag(std::string_view text, bool& undecided) {
  std::string form(text);
  std::string next;
  for (unsigned depth = 0; depth < Views::kDepth * 2; ++depth) {
    if (!decode_escapes(form, next) && !fold_characters(form, next)) {
      undecided = false;
      return {};
    }
    form.swap(next);
    if (without_tags(form) != form) return form;
  }
  undecided = true;
  return {};
}

}  // namespace

std::string sanitised_copy(std::string_view text) {
  std::string out = without_tags(text);
  bool undecided = true;
  for (unsigned round = 0; round < Views::kDepth; ++round) {
    std::string form = decoded_with_tag(out, undecided);
    if (form.empty()) break;
    out = without_tags(form);
    undecided = true;
  }
  // Encoded more often than anybody reads: only the ASCII of it, without what escapes and tags
  // begin with.
  if (undecided) {
    std::erase_if(out, [](char c) {
      return c == '%' || c == '&' || c == '\\' || c == '<' || c < ' ' || c > '~';
    });
  }
  return out;
}

}  // namespace portcullis::detect

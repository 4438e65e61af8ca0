#include "detect/pem_tail.hpp"

#include <string_view>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

constexpr unsigned kDashGroup = 5;

/// Base64, and what it is where some of its characters are escaped.
bool is_of_stretch(char c) {
  return text::is_alnum(c) || std::string_view("+/=&#;%\\").contains(c);
}

}  // namespace

PemTail::Byte PemTail::take(char c, bool is_edge) {
  // One group of dashes before the name of the end, one behind.
  if (dash_groups_ == 2 || gap_ == kLongestGap) return Byte::beyond;
  if (is_structure(c, is_edge)) {
    stretch_ = dashes_ = 0;
    return Byte::structure;
  }
  stretch_ = is_of_stretch(c) ? stretch_ + 1 : 0;
  gap_ = stretch_ >= kKeyStretch ? 0 : gap_ + 1;
  dashes_ = c == '-' ? dashes_ + 1 : 0;
  if (dashes_ == kDashGroup) {
    dashes_ = 0;
    ++dash_groups_;
  }
  return Byte::key;
}

bool PemTail::is_structure(char c, bool is_edge) {
  if (syntax_ == LeakSyntax::json) {
    if (is_edge) {
      outside_ = !outside_;
    } else if (outside_) {
      enter(c);
    }
    return is_edge || outside_ || role_ == Role::name;
  }
  if (syntax_ == LeakSyntax::text) return false;
  if (is_edge) {
    just_opened_ = outside_ = c == '<';
    return true;
  }
  // Others than these begin no tag.
  if (just_opened_) outside_ = text::is_alpha(c) || std::string_view("/!?").contains(c);
  just_opened_ = false;
  return outside_;
}

/// What the next string is, as far as what has been seen tells: what is no name is hidden.
void PemTail::enter(char c) {
  switch (c) {
    case '{':
      role_ = Role::name;
      break;
    case ':':
    case '}':
    case ']':
      role_ = Role::value;
      break;
    case '[':
      role_ = Role::element;
      break;
    case ',':
      role_ = role_ == Role::value ? Role::name : Role::element;
      break;
    default:
      break;
  }
}

}  // namespace portcullis::detect

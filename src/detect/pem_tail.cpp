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
  const bool is_kept = is_structure(c, is_edge);
  dashes_ = c == '-' && (!is_kept || place_ == Place::section) ? dashes_ + 1 : 0;
  if (dashes_ == kDashGroup) {
    dashes_ = 0;
    ++dash_groups_;
  }
  stretch_ = is_of_stretch(c) && !is_kept ? stretch_ + 1 : 0;
  if (is_kept) return Byte::structure;
  gap_ = stretch_ >= kKeyStretch ? 0 : gap_ + 1;
  return Byte::key;
}

bool PemTail::is_structure(char c, bool is_edge) {
  switch (syntax_) {
    case LeakSyntax::json:
      return is_around_strings(c, is_edge);
    case LeakSyntax::markup:
      return is_of_markup(c, is_edge);
    case LeakSyntax::text:
      return false;
  }
  return false;
}

bool PemTail::is_around_strings(char c, bool is_edge) {
  if (is_edge) {
    outside_ = !outside_;
  } else if (outside_) {
    enter(c);
  }
  return is_edge || outside_ || role_ == Role::name;
}

/// Quotes of attributes and ends of sections stay, or what follows would be read as another thing.
bool PemTail::is_of_markup(char c, bool is_edge) {
  if (is_edge) {
    place_ = c == '<' ? Place::opening : Place::text;
    quote_ = 0;
    section_ = 0;
    return true;
  }
  if (place_ == Place::opening) {
    const bool is_tag = text::is_alpha(c) || c == '/' || c == '?';
    place_ = is_tag ? Place::tag : c == '!' ? Place::section : Place::text;
  }
  switch (place_) {
    case Place::unknown:
      return c == '"' || c == '\'';
    case Place::tag:
      return is_of_tag(c);
    case Place::section:
      return is_of_section(c);
    case Place::opening:
    case Place::text:
      return false;
  }
  return false;
}

/// The values of attributes may be lines of the key.
bool PemTail::is_of_tag(char c) {
  if (quote_ != 0) {
    if (c != quote_) return false;
    quote_ = 0;
  } else if (c == '"' || c == '\'') {
    quote_ = c;
  }
  return true;
}

bool PemTail::is_of_section(char c) {
  static constexpr std::string_view kCharacters = "![CDATA[";
  if (section_ < kCharacters.size() && kCharacters[section_] == c) {
    ++section_;
    return true;
  }
  section_ = kCharacters.size();
  return c == '-' || c == ']';
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

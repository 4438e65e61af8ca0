#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "detect/tokenizers.hpp"

namespace portcullis::detect {
namespace {

constexpr std::size_t kLongestTag = 2048;
constexpr std::size_t kScriptBody = 512;

struct Attribute {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

constexpr bool ends_name(char c) noexcept {
  return text::is_space(c) || c == '=' || c == '>' || c == '/' || c == '<';
}

/// Reads the attributes of a tag as browsers do: anything but space, `/`, `=` and `>` is a name.
class AttributeReader {
 public:
  explicit AttributeReader(std::string_view rest) noexcept : rest_(rest.substr(0, kLongestTag)) {}

  /// @returns false at the end of the tag, of the text, or at the next tag.
  bool next(Attribute& out) noexcept {
    while (at_ < rest_.size() && (text::is_space(rest_[at_]) || rest_[at_] == '/')) ++at_;
    if (at_ >= rest_.size() || rest_[at_] == '>' || rest_[at_] == '<') return false;
    const std::size_t start = at_++;
    while (at_ < rest_.size() && !ends_name(rest_[at_])) ++at_;
    out = {rest_.substr(start, at_ - start), {}, false};
    std::size_t eq = at_;
    while (eq < rest_.size() && text::is_space(rest_[eq])) ++eq;
    if (eq >= rest_.size() || rest_[eq] != '=') return true;
    at_ = eq + 1;
    while (at_ < rest_.size() && text::is_space(rest_[at_])) ++at_;
    out.has_value = true;
    out.value = read_value();
    return true;
  }
  std::size_t at() const noexcept { return at_; }

 private:
  std::string_view read_value() noexcept {
    if (at_ >= rest_.size()) return {};
    const char quote = rest_[at_];
    if (quote == '"' || quote == '\'' || quote == '`') {
      const std::size_t end = std::min(rest_.find(quote, at_ + 1), rest_.size());
      const auto value = rest_.substr(at_ + 1, end - at_ - 1);
      at_ = std::min(end + 1, rest_.size());
      return value;
    }
    const std::size_t start = at_;
    while (at_ < rest_.size() && !text::is_space(rest_[at_]) && rest_[at_] != '>') ++at_;
    return rest_.substr(start, at_ - start);
  }

  std::string_view rest_;
  std::size_t at_ = 0;
};

/// Whether `word` occurs in `s` without regard to case, white space and controls between.
bool holds(std::string_view s, std::string_view word) noexcept {
  std::size_t matched = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (matched > 0 && static_cast<unsigned char>(c) <= 0x20) continue;
    if (text::lower(c) == word[matched]) {
      if (matched == 0) start = i;
      if (++matched == word.size()) return true;
    } else if (matched > 0) {
      i = start;
      matched = 0;
    }
  }
  return false;
}

bool is_script_url(std::string_view value) noexcept {
  constexpr std::array<std::string_view, 5> kUrls{
      "javascript:", "vbscript:", "livescript:", "data:text/html", "data:image/svg"};
  return std::ranges::any_of(kUrls, [&](std::string_view url) { return holds(value, url); });
}

bool is_style_code(std::string_view value) noexcept {
  constexpr std::array<std::string_view, 6> kCode{
      "expression(", "behavior:", "behaviour:", "-moz-binding", "javascript:", "@import"};
  return std::ranges::any_of(kCode, [&](std::string_view code) { return holds(value, code); });
}

/// `on` and at least three letters.
bool is_handler(std::string_view name) noexcept {
  if (name.size() < 5 || !text::istarts_with(name, "on")) return false;
  return std::ranges::all_of(name.substr(2, 3), text::is_alpha);
}

/// Something that only code has.
bool looks_like_code(std::string_view s) noexcept {
  for (std::size_t i = 1; i < s.size(); ++i) {
    const char c = s[i];
    const bool after_name = text::is_alnum(s[i - 1]) || s[i - 1] == ']' || s[i - 1] == ')';
    if ((c == '(' || c == '`' || c == '[') && after_name) return true;
    if (c == '=' && s[i - 1] != ' ' && i + 1 < s.size() && s[i + 1] != ' ') return true;
  }
  return false;
}

enum class Element : std::uint8_t { other, script, style, active, meta, link, plain };

Element element_of(std::string_view name) noexcept {
  struct Named {
    std::string_view name;
    Element element;
  };
  constexpr std::array kElements{
      Named{"script", Element::script},   Named{"style", Element::style},
      Named{"iframe", Element::active},   Named{"frame", Element::active},
      Named{"frameset", Element::active}, Named{"object", Element::active},
      Named{"embed", Element::active},    Named{"applet", Element::active},
      Named{"base", Element::active},     Named{"bgsound", Element::active},
      Named{"layer", Element::active},    Named{"ilayer", Element::active},
      Named{"isindex", Element::active},  Named{"svg", Element::active},
      Named{"math", Element::active},     Named{"xml", Element::active},
      Named{"set", Element::active},      Named{"animate", Element::active},
      Named{"meta", Element::meta},       Named{"link", Element::link},
      Named{"a", Element::plain},         Named{"img", Element::plain},
      Named{"image", Element::plain},     Named{"body", Element::plain},
      Named{"div", Element::plain},       Named{"form", Element::plain},
      Named{"input", Element::plain},     Named{"video", Element::plain},
      Named{"audio", Element::plain},     Named{"table", Element::plain},
  };
  const auto at =
      std::ranges::find_if(kElements, [&](const Named& n) { return text::iequals(n.name, name); });
  return at == kElements.end() ? Element::other : at->element;
}

class HtmlScan {
 public:
  HtmlScan(std::string_view text, Budget& budget, Signals& out)
      : text_(text), budget_(budget), out_(out) {}

  void run() {
    for (std::size_t i = 0; i < text_.size() && !budget_.exhausted(); ++i) {
      const char c = text_[i];
      if (c == '<') {
        tag(i + 1);
      } else if (c == '"' || c == '\'' || c == '`') {
        breakout(i + 1);
      }
    }
  }

 private:
  void tag(std::size_t at) {
    if (at < text_.size() && text_[at] == '/') ++at;
    const std::size_t start = at;
    while (at < text_.size() && at < start + 32 && (text::is_alnum(text_[at]) || text_[at] == ':'))
      ++at;
    std::string_view name = text_.substr(start, at - start);
    if (name.empty() || !text::is_alpha(name.front())) return;
    if (const auto colon = name.rfind(':'); colon != std::string_view::npos) {
      name.remove_prefix(colon + 1);
    }
    const Element element = element_of(name);
    bool named = false;  // has an attribute that its kind of element is dangerous with
    AttributeReader reader(text_.substr(at));
    Attribute attribute;
    while (reader.next(attribute)) {
      if (!attribute.has_value) continue;
      named |= judge(attribute, element);
    }
    if (!budget_.spend(reader.at() + name.size())) return;
    const std::size_t end = at + reader.at();
    const bool closed = end < text_.size() && text_[end] == '>';
    if (closed || named) out_.add(Signal::html_tag);
    if (named && element != Element::plain && element != Element::other) {
      out_.add(element == Element::script ? Signal::html_script : Signal::html_active_element);
    }
    if (element == Element::script || element == Element::style) body(element, end);
  }

  bool judge(const Attribute& attribute, Element element) {
    const auto name = attribute.name;
    if (is_handler(name) && !attribute.value.empty()) out_.add(Signal::html_handler);
    if (is_script_url(attribute.value)) out_.add(Signal::html_script_url);
    if (text::iequals(name, "style") && is_style_code(attribute.value)) {
      out_.add(Signal::html_style_code);
    }
    if (text::iequals(name, "srcdoc") || text::iequals(name, "formaction") ||
        text::iequals(name, "datasrc") || text::istarts_with(name, "xmlns:")) {
      out_.add(Signal::html_active_element);
    }
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
      return std::ranges::any_of(names, [&](auto n) { return text::iequals(n, name); });
    };
    switch (element) {
      case Element::script:
        return is_one_of({"src", "href", "xlink:href", "type", "language"});
      case Element::active:
        return is_one_of({"src", "data", "href", "code", "codebase", "classid", "action", "id",
                          "attributename", "xmlns"});
      case Element::meta:
        return is_one_of({"http-equiv"});
      case Element::link:
        return is_one_of({"href"});
      default:
        return attribute.has_value;
    }
  }

  /// What stands between `<script…>` and `</script`, or the end.
  void body(Element element, std::size_t end) {
    const auto rest = text_.substr(end, kScriptBody);
    const std::string_view closing = element == Element::script ? "</script" : "</style";
    // Another opening tag ends it too: what follows is read there.
    std::size_t stop = std::min(rest.find('<'), rest.size());
    while (stop < rest.size() && !text::istarts_with(rest.substr(stop), closing) &&
           !text::istarts_with(rest.substr(stop + 1), closing.substr(2))) {
      stop = std::min(rest.find('<', stop + 1), rest.size());
    }
    if (!budget_.spend(stop)) return;
    const auto inside = rest.substr(0, stop);
    if (element == Element::style) {
      if (is_style_code(inside)) out_.add(Signal::html_style_code);
    } else if (looks_like_code(inside)) {
      out_.add(Signal::html_script);
    }
  }

  /// `" onmouseover=alert(1) x="`: a quote that leaves an attribute, and a handler.
  void breakout(std::size_t at) {
    std::size_t i = at;
    while (i < text_.size() && (text::is_space(text_[i]) || text_[i] == '/')) ++i;
    if (i + 5 >= text_.size() || (text_[i] | 32) != 'o' || (text_[i + 1] | 32) != 'n') return;
    AttributeReader reader(text_.substr(i, 256));
    Attribute attribute;
    const bool found = reader.next(attribute) && attribute.has_value &&
                       is_handler(attribute.name) && looks_like_code(attribute.value);
    budget_.spend(reader.at());
    if (found) out_.add(Signal::html_attribute_breakout);
  }

  std::string_view text_;
  Budget& budget_;
  Signals& out_;
};

}  // namespace

void judge_html(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  if (!marks.any(Marks::angle | Marks::equals)) return;
  HtmlScan(text, budget, out).run();
}

}  // namespace portcullis::detect

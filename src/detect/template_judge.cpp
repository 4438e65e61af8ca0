#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "detect/tokenizers.hpp"

namespace portcullis::detect {
namespace {

constexpr std::size_t kLongestExpression = 512;

/// Names that reach from a template into the program that fills it.
constexpr auto kReaching = [] {
  std::array<std::string_view, 66> names{
      "application",
      "attr",
      "attribute",
      "builtins",
      "class",
      "classloader",
      "config",
      "constructor",
      "cycler",
      "debug",
      "dir",
      "dump",
      "env",
      "eval",
      "exec",
      "execute",
      "extract",
      "file",
      "file_get_contents",
      "filter",
      "flashed",
      "forname",
      "getclass",
      "getenv",
      "getruntime",
      "get_flashed_messages",
      "globals",
      "import",
      "include",
      "inspect",
      "io",
      "java",
      "joiner",
      "lipsum",
      "map",
      "module",
      "mro",
      "namespace",
      "objectconstructor",
      "open",
      "os",
      "passthru",
      "phpinfo",
      "popen",
      "process",
      "processbuilder",
      "reduce",
      "registerundefinedfiltercallback",
      "render",
      "request",
      "require",
      "response",
      "runtime",
      "scriptengine",
      "self",
      "session",
      "settings",
      "shell_exec",
      "sort",
      "subclasses",
      "subprocess",
      "system",
      "t",
      "threadcontext",
      "urllib",
      "url_for",
  };
  std::ranges::sort(names);
  return names;
}();

/// Weighs the names and operators of an expression.
struct Expression {
  bool reaching = false;  ///< a name of the table, or one with two underscores
  bool calls = false;
  bool indexes = false;
  bool dots = false;
  bool arithmetic = false;  ///< of literals: nobody has a template do that
  bool joins = false;       ///< literal strings

  explicit Expression(std::string_view text);
  bool attack() const noexcept { return reaching && (calls || indexes || dots || alone); }
  bool alone = false;  ///< one reaching name and nothing else
};

Expression::Expression(std::string_view s) {
  int names = 0;
  bool literal_before = false;
  bool operator_before = false;
  for (std::size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (text::is_alpha(c) || c == '_') {
      std::size_t end = i;
      while (end < s.size() && (text::is_alnum(s[end]) || s[end] == '_')) ++end;
      const auto word = s.substr(i, end - i);
      ++names;
      if (word.starts_with("__") || (word.size() > 2 && word.ends_with("__"))) {
        reaching = calls = true;
      } else if (word.size() <= 32) {
        char small[32];
        std::ranges::transform(word, small, text::lower);
        std::string_view key(small, word.size());
        while (key.starts_with('_')) key.remove_prefix(1);
        if (std::ranges::binary_search(kReaching, key)) reaching = true;
      }
      literal_before = operator_before = false;
      i = end;
      continue;
    }
    if (text::is_digit(c)) {
      if (operator_before) arithmetic = true;
      while (i < s.size() && (text::is_alnum(s[i]) || s[i] == '.')) ++i;
      literal_before = true;
      operator_before = false;
      continue;
    }
    if (c == '\'' || c == '"') {
      const std::size_t end = s.find(c, i + 1);
      if (operator_before) arithmetic = true;
      literal_before = true;
      operator_before = false;
      i = end == std::string_view::npos ? s.size() : end + 1;
      continue;
    }
    if (c == '(') calls = true;
    if (c == '[') indexes = true;
    if (c == '.') dots = true;
    if (c == '*' || c == '+' || c == '/' || c == '-' || c == '%') {
      operator_before = literal_before;
    } else if (!text::is_space(c)) {
      literal_before = operator_before = false;
    }
    ++i;
  }
  alone = names == 1 && !calls && !indexes && !dots;
}

struct Delimiters {
  std::string_view open;
  std::string_view close;
  bool literals = false;  ///< also how programs write strings: only what reaches counts
};
constexpr std::array kDelimiters{
    Delimiters{"{{", "}}", false}, Delimiters{"{%", "%}", false}, Delimiters{"<%", "%>", false},
    Delimiters{"${", "}", true},   Delimiters{"#{", "}", true},   Delimiters{"*{", "}", true},
    Delimiters{"@{", "}", true},   Delimiters{"@(", ")", true},   Delimiters{"~{", "}", true},
    Delimiters{"[[", "]]", true},  Delimiters{"{#", "#}", false}, Delimiters{"#(", ")", true},
};

constexpr bool begins_delimiter(char c) noexcept {
  return c == '{' || c == '<' || c == '$' || c == '#' || c == '*' || c == '@' || c == '~' ||
         c == '[';
}

}  // namespace

void judge_template(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  if (!marks.any(Marks::brace | Marks::bracket | Marks::at | Marks::hash) &&
      !marks.any(Marks::angle)) {
    return;
  }
  for (std::size_t i = 0; i + 3 < text.size() && !budget.exhausted(); ++i) {
    if (!begins_delimiter(text[i])) continue;
    const auto rest = text.substr(i, kLongestExpression);
    const auto at = std::ranges::find_if(
        kDelimiters, [&](const Delimiters& d) { return rest.starts_with(d.open); });
    if (at == kDelimiters.end()) continue;
    // One that is not closed ends where the next one begins, so that no byte is weighed twice.
    const std::size_t close = rest.find(at->close, 2);
    const std::size_t end = std::min({close, rest.find(at->open, 2), rest.size()});
    if (!budget.spend(end)) return;
    if (close != end && at->literals) continue;
    const auto inner = rest.substr(2, end - 2);
    const Expression expression(inner);
    if (expression.attack() && !(at->literals && !expression.calls && !expression.indexes)) {
      out.add(Signal::template_expression);
    }
    if (expression.arithmetic && !expression.reaching) out.add(Signal::template_arithmetic);
    i += 1;
  }
}

}  // namespace portcullis::detect

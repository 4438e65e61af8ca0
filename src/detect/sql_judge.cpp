#include "base/text.hpp"
#include "detect/sql_reader.hpp"
#include "detect/tokenizers.hpp"

namespace portcullis::detect {
namespace {

constexpr bool begins_tail(char c) noexcept {
  constexpr std::string_view kFirst = "oOaAxXuUhHwWlLgGnNiIbBrRmMdDsS|&)+;=<>!/-#%^*";
  return kFirst.find(c) != std::string_view::npos;
}

/// Runs over a text once and reads on from each place where code might begin.
class SqlScan {
 public:
  SqlScan(std::string_view text, Budget& budget, Signals& out)
      : text_(text), budget_(budget), out_(out) {}

  void run() {
    try_tail(0, {});
    for (std::size_t i = 0; i < text_.size() && !budget_.exhausted(); ++i) {
      const char c = text_[i];
      if (c == '\'' || c == '"' || c == '`') {
        on_quote(i);
      } else if (c == ';') {
        SqlReader reader(text_, i + 1, budget_);
        if (reader.statement()) out_.add(Signal::sql_stacked);
      } else if (text::is_digit(c)) {
        i = on_number(i);
      } else if ((c | 32) == 'u' && starts_word(i, "union")) {
        SqlReader reader(text_, i + 5, budget_);
        if (reader.united(false)) out_.add(Signal::sql_union);
      } else if ((c | 32) == 's' && starts_word(i, "select")) {
        in_code_ = true;
      }
    }
  }

 private:
  bool starts_word(std::size_t at, std::string_view word) const noexcept {
    if (at > 0 && (text::is_alnum(text_[at - 1]) || text_[at - 1] == '_')) return false;
    const std::string_view rest = text_.substr(at);
    return text::istarts_with(rest, word) &&
           (rest.size() == word.size() || !text::is_alnum(rest[word.size()]));
  }

  /// Where nothing follows that could be SQL, which is nearly everywhere, no reader is made.
  void try_tail(std::size_t at, SqlPlace place) {
    std::size_t first = at;
    while (first < text_.size() && text::is_space(text_[first])) ++first;
    if (first == text_.size() || !begins_tail(text_[first])) return;
    SqlReader(text_, at, budget_).judge(place, out_);
  }

  void on_quote(std::size_t at) {
    const char c = text_[at];
    const bool inside_word = at > 0 && at + 1 < text_.size() && text::is_alpha(text_[at - 1]) &&
                             text::is_alpha(text_[at + 1]);
    std::size_t& count = c == '\'' ? single_ : c == '"' ? double_ : back_;
    if (!inside_word) ++count;
    try_tail(at + 1, {true, count % 2 == 1, in_code_});
  }

  std::size_t on_number(std::size_t at) {
    if (at > 0 && (text::is_alnum(text_[at - 1]) || text_[at - 1] == '_')) return at;
    std::size_t end = at;
    while (end < text_.size() && (text::is_alnum(text_[end]) || text_[end] == '.')) ++end;
    try_tail(end, {});
    return end - 1;
  }

  std::string_view text_;
  Budget& budget_;
  Signals& out_;
  std::size_t single_ = 0;
  std::size_t double_ = 0;
  std::size_t back_ = 0;
  bool in_code_ = false;
};

}  // namespace

void judge_sql(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  constexpr std::uint32_t kNeeded = Marks::quote | Marks::separator | Marks::equals | Marks::hash |
                                    Marks::paren | Marks::digit | Marks::compare | Marks::at;
  if (!marks.any(kNeeded)) return;
  SqlScan(text, budget, out).run();
}

}  // namespace portcullis::detect

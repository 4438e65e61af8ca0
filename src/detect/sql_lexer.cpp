#include "detect/sql_lexer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

using Kind = SqlToken::Kind;
using W = SqlWord;

struct Entry {
  std::string_view text;
  SqlWord word;
};

constexpr auto kWords = [] {
  std::array words{
      Entry{"or", W::logic},
      Entry{"and", W::logic},
      Entry{"xor", W::logic},
      Entry{"having", W::logic},
      Entry{"not", W::negation},
      Entry{"like", W::compare},
      Entry{"rlike", W::compare},
      Entry{"regexp", W::compare},
      Entry{"between", W::compare},
      Entry{"in", W::compare},
      Entry{"is", W::compare},
      Entry{"div", W::compare},
      Entry{"mod", W::compare},
      Entry{"ilike", W::compare},
      Entry{"glob", W::compare},
      Entry{"null", W::literal},
      Entry{"true", W::literal},
      Entry{"false", W::literal},
      Entry{"union", W::union_},
      Entry{"intersect", W::union_},
      Entry{"except", W::union_},
      Entry{"minus", W::union_},
      Entry{"all", W::all},
      Entry{"distinct", W::all},
      Entry{"distinctrow", W::all},
      Entry{"select", W::select},
      Entry{"order", W::order},
      Entry{"group", W::order},
      Entry{"by", W::by},
      Entry{"limit", W::limit},
      Entry{"procedure", W::limit},
      Entry{"sleep", W::function},
      Entry{"benchmark", W::function},
      Entry{"pg_sleep", W::function},
      Entry{"randomblob", W::function},
      Entry{"char", W::function},
      Entry{"chr", W::function},
      Entry{"ascii", W::function},
      Entry{"ord", W::function},
      Entry{"hex", W::function},
      Entry{"unhex", W::function},
      Entry{"substring", W::function},
      Entry{"substr", W::function},
      Entry{"mid", W::function},
      Entry{"length", W::function},
      Entry{"len", W::function},
      Entry{"concat", W::function},
      Entry{"concat_ws", W::function},
      Entry{"group_concat", W::function},
      Entry{"version", W::function},
      Entry{"database", W::function},
      Entry{"user", W::function},
      Entry{"extractvalue", W::function},
      Entry{"updatexml", W::function},
      Entry{"load_file", W::function},
      Entry{"md5", W::function},
      Entry{"count", W::function},
      Entry{"floor", W::function},
      Entry{"rand", W::function},
      Entry{"row", W::function},
      Entry{"name", W::function},
      Entry{"current_user", W::function},
      Entry{"session_user", W::function},
      Entry{"system_user", W::function},
      Entry{"bin", W::function},
      Entry{"lower", W::function},
      Entry{"upper", W::function},
      Entry{"if", W::cast},
      Entry{"case", W::cast},
      Entry{"exists", W::cast},
      Entry{"cast", W::cast},
      Entry{"convert", W::cast},
      Entry{"ifnull", W::cast},
      Entry{"iif", W::cast},
      Entry{"insert", W::insert},
      Entry{"into", W::into},
      Entry{"replace", W::insert},
      Entry{"values", W::values},
      Entry{"value", W::values},
      Entry{"update", W::update},
      Entry{"set", W::set},
      Entry{"delete", W::delete_},
      Entry{"from", W::from},
      Entry{"drop", W::drop},
      Entry{"truncate", W::drop},
      Entry{"alter", W::drop},
      Entry{"create", W::drop},
      Entry{"table", W::object},
      Entry{"schema", W::object},
      Entry{"view", W::object},
      Entry{"index", W::object},
      Entry{"login", W::object},
      Entry{"trigger", W::object},
      Entry{"function", W::object},
      Entry{"column", W::object},
      Entry{"exec", W::exec},
      Entry{"execute", W::exec},
      Entry{"call", W::exec},
      Entry{"declare", W::declare},
      Entry{"waitfor", W::waitfor},
      Entry{"shutdown", W::shutdown},
  };
  std::ranges::sort(words, {}, &Entry::text);
  return words;
}();

/// Where the words of each first letter begin.
constexpr auto kFirst = [] {
  std::array<std::uint8_t, 27> first{};
  for (std::size_t letter = 0; letter < first.size(); ++letter) {
    std::size_t at = 0;
    while (at < kWords.size() && static_cast<std::size_t>(kWords[at].text.front() - 'a') < letter)
      ++at;
    first[letter] = static_cast<std::uint8_t>(at);
  }
  return first;
}();

SqlWord word_of(std::string_view text) noexcept {
  if (!text::is_alpha(text.front())) return W::name;
  const auto letter = static_cast<std::size_t>(text::lower(text.front()) - 'a');
  for (std::size_t i = kFirst[letter]; i < kFirst[letter + 1]; ++i) {
    if (kWords[i].text.size() == text.size() && text::iequals(kWords[i].text, text)) {
      return kWords[i].word;
    }
  }
  return W::name;
}

constexpr bool begins_word(char c) noexcept {
  return text::is_alpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool in_word(char c) noexcept { return begins_word(c) || text::is_digit(c) || c == '$'; }

}  // namespace

SqlToken SqlLexer::take(Kind kind, std::size_t size) noexcept {
  const SqlToken token{kind, W::name, text_.substr(at_, size)};
  at_ += token.text.size();
  if (!budget_->spend(token.text.size())) at_ = text_.size();
  return token;
}

void SqlLexer::skip_space() noexcept {
  const std::size_t start = at_;
  while (at_ < text_.size()) {
    const std::string_view rest = text_.substr(at_);
    if (text::is_space(rest[0]) || rest[0] == '\0') {
      ++at_;
    } else if (rest.starts_with("/*!")) {
      at_ += 3;
      while (at_ < text_.size() && text::is_digit(text_[at_])) ++at_;
    } else if (rest.starts_with("*/")) {
      at_ += 2;
    } else if (rest.starts_with("/*")) {
      const std::size_t end = rest.substr(0, kLongest).find("*/", 2);
      at_ += end == std::string_view::npos ? std::min(rest.size(), kLongest) : end + 2;
    } else {
      break;
    }
  }
  if (at_ != start && !budget_->spend(at_ - start)) at_ = text_.size();
}

SqlToken SqlLexer::take_string(char quote) noexcept {
  const std::string_view rest = text_.substr(at_, kLongest);
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == quote) {
      return take(Kind::string, i + 1);
    }
  }
  return take(Kind::open_string, rest.size());
}

SqlToken SqlLexer::take_number() noexcept {
  const std::string_view rest = text_.substr(at_, 64);
  std::size_t i = 1;
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] | 32) == 'x') {
    i = 2;
    while (i < rest.size() &&
           (text::is_digit(rest[i]) || ((rest[i] | 32) >= 'a' && (rest[i] | 32) <= 'f')))
      ++i;
  } else {
    while (i < rest.size() && (text::is_digit(rest[i]) || rest[i] == '.')) ++i;
    if (i + 1 < rest.size() && (rest[i] | 32) == 'e' && text::is_digit(rest[i + 1])) {
      ++i;
      while (i < rest.size() && text::is_digit(rest[i])) ++i;
    }
  }
  return take(Kind::number, i);
}

SqlToken SqlLexer::take_word() noexcept {
  const std::string_view rest = text_.substr(at_, kLongest);
  std::size_t i = 1;
  while (i < rest.size() && in_word(rest[i])) ++i;
  SqlToken token = take(Kind::word, i);
  token.word = word_of(token.text);
  return token;
}

SqlToken SqlLexer::next() noexcept {
  skip_space();
  if (at_ >= text_.size()) return {};
  const std::string_view rest = text_.substr(at_);
  const char c = rest[0];
  const char d = rest.size() > 1 ? rest[1] : '\0';
  if (begins_word(c)) return take_word();
  if (text::is_digit(c)) return take_number();
  switch (c) {
    case '\'':
    case '"':
    case '`':
      return take_string(c);
    case '@': {
      std::size_t i = 1;
      while (i < rest.size() && i < kLongest && (in_word(rest[i]) || rest[i] == '@')) ++i;
      return take(i > 1 ? Kind::variable : Kind::other, i);
    }
    case '-':
      if (d == '-') return take(Kind::comment, 2);
      return take(Kind::arithmetic, 1);
    case '#':
      return take(Kind::comment, 1);
    case '|':
    case '&':
      return d == c ? take(Kind::logic, 2) : take(Kind::arithmetic, 1);
    case '=':
    case '<':
    case '>':
    case '~': {
      std::size_t i = 1;
      while (i < rest.size() && i < 3 && (rest[i] == '=' || rest[i] == '<' || rest[i] == '>')) ++i;
      return take(Kind::compare, i);
    }
    case '!':
      return d == '=' ? take(Kind::compare, 2) : take(Kind::negation, 1);
    case '*':
    case '/':
    case '%':
    case '^':
      return take(Kind::arithmetic, 1);
    case '+':
      return take(Kind::plus, 1);
    case '(':
      return take(Kind::open, 1);
    case ')':
      return take(Kind::close, 1);
    case ',':
      return take(Kind::comma, 1);
    case ';':
      return take(Kind::semicolon, 1);
    case '.':
      return take(Kind::dot, 1);
    default:
      return take(Kind::other, 1);
  }
}

SqlToken SqlLexer::peek() const noexcept {
  SqlLexer copy = *this;
  return copy.next();
}

}  // namespace portcullis::detect

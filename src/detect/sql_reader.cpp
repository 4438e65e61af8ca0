#include "detect/sql_reader.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

using Kind = SqlToken::Kind;
using W = SqlWord;

constexpr bool is(const SqlToken& token, SqlWord word) noexcept {
  return token.kind == Kind::word && token.word == word;
}

/// Functions that are called for what they do, not for what they yield.
bool is_attack_function(std::string_view name) noexcept {
  constexpr std::array kNames{"sleep",     "benchmark", "pg_sleep",   "extractvalue",
                              "updatexml", "load_file", "randomblob", "group_concat"};
  return std::ranges::any_of(kNames, [&](const char* n) { return text::iequals(n, name); });
}

bool is_operator(const SqlToken& t) noexcept {
  return t.kind == Kind::compare || is(t, W::compare);
}
bool is_logic(const SqlToken& t) noexcept { return t.kind == Kind::logic || is(t, W::logic); }

/// Nothing but white space and a stray character follows.
bool at_the_end(std::string_view text, std::size_t at) noexcept {
  std::size_t seen = 0;
  for (; at < text.size() && seen < 2; ++at) {
    if (!text::is_space(text[at]) && text[at] != '-' && text[at] != '+') ++seen;
  }
  return seen < 2;
}

}  // namespace

void SqlReader::skip_arguments() {
  int depth = 0;
  for (int i = 0; i < 48; ++i) {
    const SqlToken t = lex_.next();
    if (t.kind == Kind::end) return;
    if (t.kind == Kind::open) ++depth;
    if (t.kind == Kind::close && --depth <= 0) return;
  }
}

SqlReader::Operand SqlReader::bracket(int depth) {
  if (depth > 3) return Operand::none;
  const Operand inner = operand(depth + 1);
  for (int i = 0; i < 24; ++i) {
    const SqlToken t = lex_.next();
    if (i == 0 && inner == Operand::literal && is_operator(t) &&
        operand(depth + 1) == Operand::literal) {
      return Operand::attack;  // a tautology
    }
    if (t.kind == Kind::end || t.kind == Kind::close) break;
    if (is(t, W::select)) return Operand::attack;
  }
  return inner;
}

SqlReader::Operand SqlReader::primary(int depth) {
  for (int i = 0; i < 4; ++i) {
    const SqlToken t = lex_.peek();
    const bool unary = t.kind == Kind::plus || t.kind == Kind::arithmetic ||
                       t.kind == Kind::negation || is(t, W::negation) ||
                       (t.kind == Kind::compare && t.text == "~");
    if (!unary) break;
    lex_.next();
  }
  const SqlToken t = lex_.next();
  switch (t.kind) {
    case Kind::number:
    case Kind::string:
    case Kind::open_string:
      return Operand::literal;
    case Kind::variable:
      return t.text.starts_with("@@") ? Operand::attack : Operand::literal;
    case Kind::open:
      return bracket(depth);
    case Kind::word:
      break;
    default:
      return Operand::none;
  }
  if (t.word == W::literal) return Operand::literal;
  if (t.word == W::select) return depth > 0 ? Operand::attack : Operand::none;
  if (lex_.peek().kind == Kind::dot) {
    for (int i = 0; i < 4 && lex_.peek().kind == Kind::dot; ++i) {
      lex_.next();
      lex_.next();
    }
  }
  if (lex_.peek().kind == Kind::open) {
    skip_arguments();
    if (is_attack_function(t.text)) return Operand::attack;
    return t.word == W::function || t.word == W::cast ? Operand::call : Operand::name;
  }
  if (is(t, W::cast) && text::iequals(t.text, "case")) return Operand::call;
  return t.word == W::name || t.word == W::function || t.word == W::object ? Operand::name
                                                                           : Operand::none;
}

SqlReader::Operand SqlReader::operand(int depth) {
  Operand out = primary(depth);
  for (int i = 0; i < 4 && out != Operand::none; ++i) {
    const SqlToken t = lex_.peek();
    if (t.kind != Kind::arithmetic && t.kind != Kind::plus) break;
    const SqlLexer before = lex_;
    lex_.next();
    const Operand more = primary(depth);
    if (more == Operand::none) {
      lex_ = before;
      break;
    }
    out = std::max(out, more);
  }
  return out;
}

bool SqlReader::condition(SqlPlace place) {
  const std::size_t start = lex_.at();
  const Operand left = operand();
  if (left == Operand::none) return false;
  if (left == Operand::attack) return true;
  const std::string_view left_text = text::trim(text_.substr(start, lex_.at() - start));
  SqlToken t = lex_.peek();
  if (is_operator(t) || is(t, W::negation)) {
    do {
      lex_.next();
      t = lex_.peek();
    } while (is_operator(t) || is(t, W::negation));
    const std::size_t right_start = lex_.at();
    const Operand right = operand();
    if (right == Operand::none) return false;
    const std::string_view right_text =
        text::trim(text_.substr(right_start, lex_.at() - right_start));
    if (right == Operand::attack) return true;
    if (left == Operand::literal && right == Operand::literal) return true;
    if (left == Operand::name && right == Operand::name) {
      return text::iequals(left_text, right_text) &&
             (place.quote || lex_.peek().kind == Kind::comment);
    }
    return place.odd && !place.in_code;
  }
  if (!place.quote || left != Operand::literal) return false;
  // Without a comparison: the value itself is the condition, and the rest is cut off.
  if (t.kind == Kind::comment) {
    lex_.next();
    return at_the_end(text_, lex_.at());
  }
  return place.odd && t.kind == Kind::end &&
         (left_text.starts_with('\'') || left_text.starts_with('"'));
}

bool SqlReader::united(bool at_break) {
  SqlToken t = lex_.next();
  bool bracket = false;
  while (t.kind == Kind::open || t.kind == Kind::plus || is(t, W::all)) {
    bracket |= t.kind == Kind::open;
    t = lex_.next();
  }
  if (!is(t, W::select) && !is(t, W::values)) return false;
  do {
    t = lex_.peek();
    if (!is(t, W::all) && t.kind != Kind::plus) break;
    lex_.next();
  } while (true);
  if (t.kind == Kind::arithmetic) return true;  // *
  const Operand first = operand();
  if (first == Operand::none) return false;
  if (first != Operand::name || at_break) return true;
  t = lex_.next();
  return t.kind == Kind::comma || t.kind == Kind::comment || (bracket && is(t, W::from));
}

bool SqlReader::ordered(SqlPlace place) {
  if (!is(lex_.next(), W::by)) return false;
  if (lex_.peek().kind == Kind::plus) lex_.next();
  SqlToken t = lex_.next();
  if (t.kind != Kind::number && !place.odd) return false;
  t = lex_.next();
  if (t.kind == Kind::comment) return at_the_end(text_, lex_.at());
  if (is_logic(t)) return condition(place);
  if (t.kind != Kind::comma) return place.odd && t.kind == Kind::end;
  const Operand next = operand();
  return next == Operand::attack || (next == Operand::literal && place.odd) ||
         lex_.peek().kind == Kind::comma;
}

/// After `||` or `+` behind a quote: something that a string would not be joined with in prose.
bool SqlReader::joined() {
  const Operand with = primary(0);
  return with == Operand::attack || with == Operand::call;
}

/// After a comparison behind an odd quote: `'='' or …`, `'=0--`.
bool SqlReader::compared(SqlPlace place) {
  const Operand with = operand();
  if (with == Operand::attack) return true;
  if (with != Operand::literal || !place.odd) return false;
  const SqlToken t = lex_.next();
  return is_logic(t) || (t.kind == Kind::comment && at_the_end(text_, lex_.at()));
}

/// A name, perhaps of several parts, and then nothing that would make it a sentence.
bool SqlReader::names_an_object() {
  SqlToken t = lex_.next();
  if (is(t, W::cast)) {  // if [not] exists
    while (is(t, W::cast) || is(t, W::negation)) t = lex_.next();
  }
  if (t.kind != Kind::word && t.kind != Kind::string && t.kind != Kind::other) return false;
  t = lex_.next();
  while (t.kind == Kind::dot) {
    lex_.next();
    t = lex_.next();
  }
  return t.kind == Kind::end || t.kind == Kind::semicolon || t.kind == Kind::comment ||
         t.kind == Kind::comma || t.kind == Kind::open || is(t, W::logic) || is(t, W::select) ||
         is(t, W::limit) || is(t, W::set) || is(t, W::values) || t.kind == Kind::close ||
         (t.kind == Kind::word &&
          (text::iequals(t.text, "cascade") || text::iequals(t.text, "where") ||
           text::iequals(t.text, "add") || text::iequals(t.text, "identified") ||
           text::iequals(t.text, "with")));
}

bool SqlReader::statement() {
  SqlToken t = lex_.next();
  while (t.kind == Kind::semicolon || t.kind == Kind::close) t = lex_.next();
  if (t.kind != Kind::word) return false;
  switch (t.word) {
    case W::select: {
      t = lex_.peek();
      if (t.kind == Kind::arithmetic) return true;
      const Operand first = operand();
      if (first == Operand::attack || first == Operand::call) return true;
      if (first == Operand::none) return false;
      t = lex_.next();
      for (int i = 0; i < 16 && t.kind == Kind::comma; ++i) {
        operand();
        t = lex_.next();
      }
      if (is(t, W::into)) return true;
      return is(t, W::from) && names_an_object();
    }
    case W::insert:
    case W::drop: {
      const bool inserts = t.word == W::insert;
      const bool truncates = text::iequals(t.text, "truncate");
      const SqlToken object = lex_.peek();
      const bool known =
          is(object, inserts ? W::into : W::object) ||
          (!inserts && object.kind == Kind::word &&
           (text::iequals(object.text, "database") || text::iequals(object.text, "user")));
      if (known) lex_.next();
      return (known || truncates) && names_an_object();
    }
    case W::update: {
      t = lex_.next();
      if (t.kind != Kind::word && t.kind != Kind::string) return false;
      while (lex_.peek().kind == Kind::dot) {
        lex_.next();
        lex_.next();
      }
      if (!is(lex_.next(), W::set)) return false;
      lex_.next();
      return lex_.next().kind == Kind::compare;
    }
    case W::delete_:
      return is(lex_.next(), W::from) && names_an_object();
    case W::exec: {
      t = lex_.peek();
      if (t.kind == Kind::variable) return true;
      if (t.kind == Kind::open) return true;
      return t.kind == Kind::word &&
             (t.text.starts_with("xp_") || t.text.starts_with("sp_") ||
              text::istarts_with(t.text, "master") || text::iequals(t.text, "immediate"));
    }
    case W::declare:
      return lex_.next().kind == Kind::variable;
    case W::set:
      return lex_.next().kind == Kind::variable && lex_.next().kind == Kind::compare;
    case W::waitfor: {
      t = lex_.next();
      return t.kind == Kind::word && lex_.next().kind != Kind::word;
    }
    case W::shutdown: {
      t = lex_.next();
      return t.kind == Kind::end || t.kind == Kind::comment || t.kind == Kind::semicolon;
    }
    case W::function:
      return is_attack_function(t.text) && lex_.peek().kind == Kind::open;
    case W::cast:
      return text::iequals(t.text, "if") && lex_.next().kind == Kind::open &&
             operand() == Operand::attack;
    default:
      return false;
  }
}

void SqlReader::judge(SqlPlace place, Signals& out) {
  const auto found = [&](bool yes) {
    if (yes) out.add(place.quote ? Signal::sql_breakout : Signal::sql_tautology);
  };
  SqlToken t = lex_.next();
  bool closed = false;
  for (int i = 0; i < 8 && (t.kind == Kind::close || t.kind == Kind::plus); ++i) {
    closed |= t.kind == Kind::close;
    if (t.kind == Kind::plus && place.quote) {
      const SqlLexer before = lex_;
      if (joined()) return found(true);
      lex_ = before;
    }
    t = lex_.next();
  }
  switch (t.kind) {
    case Kind::logic:
      if (place.quote) {
        const SqlLexer before = lex_;
        if (joined()) return found(true);
        lex_ = before;
      }
      return found(condition(place));
    case Kind::arithmetic:
      // Joins parameters of a URL, too: only literals that are compared say anything.
      if (t.text == "|" || t.text == "&" || t.text == "^") {
        return found(condition({place.quote, false, place.in_code}));
      }
      return found(place.quote && primary(0) == Operand::attack);
    case Kind::compare:
      return found(compared(place));
    case Kind::semicolon:
      if (statement()) out.add(Signal::sql_stacked);
      return;
    case Kind::comment:
      if (place.odd && at_the_end(text_, lex_.at())) out.add(Signal::sql_comment_tail);
      return;
    case Kind::word:
      break;
    default:
      return;
  }
  switch (t.word) {
    case W::logic:
      while (lex_.peek().kind == Kind::plus) lex_.next();
      return found(condition(place));
    case W::negation:
    case W::compare:
      return found(compared(place));
    case W::union_:
      if (united(true)) out.add(Signal::sql_union);
      return;
    case W::order:
      if (ordered(place)) out.add(Signal::sql_order_probe);
      return;
    case W::limit: {
      if (!place.odd || lex_.next().kind != Kind::number) return;
      t = lex_.next();
      return found(t.kind == Kind::comma || is(t, W::union_) ||
                   (t.kind == Kind::comment && at_the_end(text_, lex_.at())));
    }
    case W::into:
      t = lex_.next();
      return found(t.kind == Kind::word && lex_.next().kind == Kind::string);
    case W::waitfor:
      t = lex_.next();
      return found(t.kind == Kind::word && lex_.next().kind != Kind::word);
    case W::function:
      return found(is_attack_function(t.text) && lex_.peek().kind == Kind::open && closed);
    default:
      return;
  }
}

}  // namespace portcullis::detect

#pragma once
#include <cstdint>
#include <string_view>

#include "detect/signals.hpp"

namespace portcullis::detect {

/// Words of SQL that its grammar turns on. Everything else is a name.
enum class SqlWord : std::uint8_t {
  name,
  logic,     ///< or, and, xor, having
  negation,  ///< not
  compare,   ///< like, rlike, regexp, between, in, is, sounds, div, mod
  literal,   ///< null, true, false
  union_,    ///< union, intersect, except, minus
  all,       ///< all, distinct
  select,
  order,  ///< order, group
  by,
  limit,     ///< limit, offset, fetch, procedure
  function,  ///< functions that only attacks and queries call
  cast,      ///< case, exists, cast, convert, if
  insert,
  into,
  values,
  update,
  set,
  delete_,
  from,
  drop,    ///< drop, truncate, alter, create
  object,  ///< table, database, schema, user, …
  exec,    ///< exec, execute, call
  declare,
  waitfor,
  shutdown,
};

struct SqlToken {
  enum class Kind : std::uint8_t {
    end,
    number,
    string,
    open_string,  ///< not closed, or longer than is looked at
    word,
    variable,    ///< @x, @@x
    compare,     ///< = < > <> != <= >= <=> ~
    logic,       ///< || &&
    arithmetic,  ///< * / % ^ & | -
    plus,
    negation,  ///< !
    open,
    close,
    comma,
    semicolon,
    dot,
    comment,  ///< -- or #, to the end
    other,
  };
  Kind kind = Kind::end;
  SqlWord word = SqlWord::name;
  std::string_view text;
};

/// Reads SQL tokens from any place of a text, as lenient databases do: /* */ is white space, the
/// content of /*! */ is code.
///
/// Threads: any; a value.
/// Bounds:  a string or comment is looked at for kLongest bytes; every byte read is paid for.
class SqlLexer {
 public:
  static constexpr std::size_t kLongest = 256;

  SqlLexer(std::string_view text, std::size_t at, Budget& budget) noexcept
      : text_(text), at_(at), budget_(&budget) {}
  SqlToken next() noexcept;
  /// The same as next(), without moving on.
  SqlToken peek() const noexcept;
  std::size_t at() const noexcept { return at_; }

 private:
  void skip_space() noexcept;
  SqlToken take(SqlToken::Kind kind, std::size_t size) noexcept;
  SqlToken take_string(char quote) noexcept;
  SqlToken take_number() noexcept;
  SqlToken take_word() noexcept;

  std::string_view text_;
  std::size_t at_;
  Budget* budget_;
};

}  // namespace portcullis::detect

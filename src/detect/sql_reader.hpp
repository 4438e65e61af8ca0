#pragma once
#include <cstdint>
#include <string_view>

#include "detect/signals.hpp"
#include "detect/sql_lexer.hpp"

namespace portcullis::detect {

/// Where SQL would begin in a text.
struct SqlPlace {
  bool quote = false;  ///< after a quote, which may have ended a string of the program
  bool odd = false;    ///< after the first of a pair of quotes: nothing in the text opened a string
  bool in_code = false;  ///< a query was there before: pasted code compares columns with strings
};

/// Reads on from one place of a text by the grammar of SQL, as far as it tells an attack from talk.
///
/// Threads: any; a value, which borrows text and budget.
/// Errors:  none; what runs out of budget says nothing.
/// Cost:    what the lexer reads is paid for; nothing is allocated; brackets nest three deep.
class SqlReader {
 public:
  SqlReader(std::string_view text, std::size_t at, Budget& budget) noexcept
      : text_(text), lex_(text, at, budget) {}

  /// After the place: closing brackets, then a condition, a union, a statement or a comment.
  void judge(SqlPlace place, Signals& out);
  /// A whole statement, as after a semicolon.
  bool statement();
  /// After the word `union`.
  bool united(bool at_break);

 private:
  /// What stands where a value may stand.
  enum class Operand : std::uint8_t {
    none,
    name,     ///< a word, a column, a call of something unknown
    call,     ///< a function that databases have
    literal,  ///< a number, a string, null
    attack,   ///< a sub-query, or a function that nobody needs but to wait or to leak
  };

  Operand operand(int depth = 0);
  Operand primary(int depth);
  Operand bracket(int depth);
  void skip_arguments();
  bool condition(SqlPlace place);
  bool ordered(SqlPlace place);
  bool joined();
  bool compared(SqlPlace place);
  bool names_an_object();

  std::string_view text_;
  SqlLexer lex_;
};

}  // namespace portcullis::detect

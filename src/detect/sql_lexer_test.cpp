#include "detect/sql_lexer.hpp"

#include <string>
#include <vector>

#include "detect/tokenizers.hpp"
#include "proves.hpp"

namespace portcullis::detect {
namespace {

using Kind = SqlToken::Kind;

std::vector<std::string> tokens_of(std::string_view text) {
  Budget budget(100'000);
  SqlLexer lexer(text, 0, budget);
  std::vector<std::string> out;
  for (SqlToken t = lexer.next(); t.kind != Kind::end; t = lexer.next()) out.emplace_back(t.text);
  return out;
}

TEST(SqlLexer, ReadsWordsNumbersStringsAndOperators) {
  EXPECT_EQ(
      tokens_of("a=1 <>'x''y' >= 0x1f||@@v"),
      (std::vector<std::string>{"a", "=", "1", "<>", "'x'", "'y'", ">=", "0x1f", "||", "@@v"}));
  EXPECT_EQ(tokens_of("1e5.2,(b);c--"),
            (std::vector<std::string>{"1e5", ".", "2", ",", "(", "b", ")", ";", "c", "--"}));
}

TEST(SqlLexer, TakesCommentsForSpaceAndVersionedOnesForCode) {
  EXPECT_EQ(tokens_of("un/*x*/ion/**/select"), (std::vector<std::string>{"un", "ion", "select"}));
  EXPECT_EQ(tokens_of("/*!50000union*/ 1"), (std::vector<std::string>{"union", "1"}));
}

TEST(SqlLexer, StopsWhereItsBudgetEnds) {
  Budget budget(8);
  const std::string text(100, 'a');
  SqlLexer lexer(text, 0, budget);
  lexer.next();
  EXPECT_EQ(lexer.next().kind, Kind::end);
  EXPECT_TRUE(budget.exhausted());
}

Signals sql_of(std::string_view text) {
  Budget budget(100'000);
  Signals out;
  judge_sql(text, Marks(text), budget, out);
  return out;
}

TEST(SqlJudge, TellsABreakOutFromQuotedSpeech) {
  EXPECT_TRUE(sql_of("x' or 'a'='a").has(Signal::sql_breakout));
  EXPECT_TRUE(sql_of("x\") or (\"a\"=\"a").has(Signal::sql_breakout));
  EXPECT_TRUE(sql_of("it's' or 1=1").has(Signal::sql_breakout)) << "after an apostrophe";
  EXPECT_TRUE(sql_of("Is it 'a' or 'b'?").empty());
  EXPECT_TRUE(sql_of("a == 'x' || b == 'y'").empty()) << "code";
  EXPECT_TRUE(sql_of("the 5' or 6' ladder").empty());
}

TEST(SqlJudge, TellsAStatementFromASentence) {
  EXPECT_TRUE(sql_of("x; drop table users").has(Signal::sql_stacked));
  EXPECT_TRUE(sql_of("x; delete from users where 1=1").has(Signal::sql_stacked));
  EXPECT_TRUE(sql_of("x; update users set a=1").has(Signal::sql_stacked));
  EXPECT_TRUE(sql_of("wait; drop me a line").empty());
  EXPECT_TRUE(sql_of("wait; select a plan from the list").empty());
  EXPECT_TRUE(sql_of("wait; update my card").empty());
}

}  // namespace
}  // namespace portcullis::detect

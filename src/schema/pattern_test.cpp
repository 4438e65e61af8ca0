#include "schema/pattern.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace portcullis::schema {
namespace {

struct Case {
  std::string_view pattern;
  std::vector<std::string_view> yes, no;
};

const Case kCases[] = {
    {"", {"", "a"}, {}},
    {"b", {"b", "abc"}, {"", "a", "B"}},
    {"^b", {"b", "bc"}, {"ab", ""}},
    {"b$", {"b", "ab"}, {"ba", "b\n", ""}},
    {"^$", {""}, {"a", "\n"}},
    {"$^", {""}, {"a"}},
    {"^(?:^|a)$", {"", "a"}, {"b", "aa"}},
    {"(^a|b$)", {"ax", "xb"}, {"xa", "bx"}},
    {"a^b|a$b", {}, {"ab", "a", "b", ""}},
    {"^[a-z]{2,3}$", {"ab", "abc"}, {"a", "abcd", "aB"}},
    {"^a{0}$", {""}, {"a"}},
    {"^a{0,2}$", {"", "a", "aa"}, {"aaa"}},
    {"^(ab){2}$", {"abab"}, {"ab", "ababab"}},
    {"^(a|b)*c$", {"c", "abbac"}, {"ab", "abdc"}},
    {"^(a*)*$", {"", "aaa"}, {"b"}},
    {"^(a?){3}$", {"", "aaa"}, {"aaaa"}},
    {"^a+?b*?c??$", {"a", "aabbc"}, {"", "cb"}},
    {"^a{2,}$", {"aa", "aaaaa"}, {"a"}},
    {"^.$", {"a", "é", "😀", "\t"}, {"", "ab", "\n", "\r", "\u2028", "\u2029"}},
    {"^\\d+$", {"0", "123"}, {"", "a", "٣", "1\n"}},
    {"^\\D$", {"a", "٣"}, {"1"}},
    {"^\\w+$", {"aZ_9"}, {"é", "-", ""}},
    {"^\\W$", {"é", "-"}, {"a", "_"}},
    {"^\\s$", {" ", "\t", "\u00a0", "\u3000", "\ufeff", "\u2028"}, {"a", "\u200b", ""}},
    {"^\\S$", {"a", "\u200b"}, {" ", "\u00a0"}},
    {"^[\\d\\s]$", {"1", " "}, {"a"}},
    {"^[^\\d]$", {"a"}, {"1", ""}},
    {"^[\\D]$", {"a"}, {"1"}},
    {"^[^]$", {"a", "\n", "😀"}, {""}},
    {"[]", {}, {"", "a"}},
    {"^[-a]$", {"-", "a"}, {"b"}},
    {"^[a-]$", {"-", "a"}, {"b"}},
    {"^[\\d-]$", {"-", "7"}, {"b"}},
    {"^[a\\-z]$", {"-", "a", "z"}, {"b"}},
    {"^[\\]\\\\^]$", {"]", "\\", "^"}, {"a"}},
    {"^[\\b]$", {"\b"}, {"b"}},
    {"^[.*+?(){}|$]$", {".", "*", "+", "?", "(", ")", "{", "}", "|", "$"}, {"a", "^"}},
    {"^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/$", {"^$\\.*+?()[]{}|/"}, {""}},
    {"^\\t\\n\\v\\f\\r\\0\\cJ$", {std::string_view("\t\n\v\f\r\0\n", 7)}, {""}},
    {"^\\x41\\u0042\\u{43}\\u{1F600}\\uD83D\\uDE00$", {"ABC😀😀"}, {"abc"}},
    {"^[à-ü]+$", {"é", "üà"}, {"e", "ÿ", "\xc3\xa0x"}},
    {"^[\\u{10000}-\\u{10ffff}]$", {"😀"}, {"a", "\uffff"}},
    {"^a|b$", {"ax", "xb"}, {"xay"}},
    {"a||b", {"", "x"}, {}},
    {"^(|a)$", {"", "a"}, {"b"}},
    {"^(?:(?:a))$", {"a"}, {"aa"}},
    {"^[A-Z]{3}-\\d{4}$", {"ABC-1234"}, {"ABC-123", "abc-1234", "ABC-12345"}},
    {"^\\+?[0-9 ()-]{10,20}$", {"+1 (555) 010-0000", "0123456789"}, {"123456789", "1234567890x"}},
    {"needle", {"a haystack with a needle in it"}, {"needl", "a needdle"}},
    {"aab", {"aaab", "aaaaab"}, {"aba"}},
    {"^(([a-z])+.)+[A-Z]([a-z])+$", {"aaAa"}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
};

TEST(Pattern, MatchesWhatEcmaScriptMatches) {
  for (const auto& c : kCases) {
    const auto pattern = Pattern::compile(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().detail;
    for (const auto text : c.yes) EXPECT_TRUE(pattern->matches(text)) << c.pattern << " " << text;
    for (const auto text : c.no) EXPECT_FALSE(pattern->matches(text)) << c.pattern << " " << text;
  }
}

TEST(Pattern, RefusesWhatItWouldHaveToGuess) {
  for (const std::string_view bad : {"(",
                                     ")",
                                     "a)",
                                     "(a",
                                     "[a",
                                     "[",
                                     "*",
                                     "a**",
                                     "+a",
                                     "?",
                                     "a{",
                                     "a{1",
                                     "a{x}",
                                     "a{2,1}",
                                     "a{1001}",
                                     "{1}",
                                     "}",
                                     "]",
                                     "a{99999999999}",
                                     "\\",
                                     "\\a",
                                     "\\e",
                                     "\\1",
                                     "(a)\\1",
                                     "\\01",
                                     "\\b",
                                     "\\B",
                                     "\\x4",
                                     "\\u12",
                                     "\\u{110000}",
                                     "\\u{",
                                     "\\u{}",
                                     "\\c1",
                                     "\\p{L}",
                                     "\\k<a>",
                                     "(?=a)",
                                     "(?!a)",
                                     "(?<=a)",
                                     "(?<!a)",
                                     "(?<a>b)",
                                     "(?i)a",
                                     "[z-a]",
                                     "[\\d-z]",
                                     "[a-\\d]",
                                     "^*",
                                     "$+",
                                     "\\-",
                                     "\\uD83D\\u0041"}) {
    const auto pattern = Pattern::compile(bad);
    ASSERT_FALSE(pattern) << bad;
    EXPECT_FALSE(pattern.error().detail.empty());
  }
  EXPECT_FALSE(Pattern::compile(std::string(5000, 'a')));
  EXPECT_FALSE(Pattern::compile(std::string(100, '(') + "a" + std::string(100, ')')));
}

TEST(Pattern, RefusesAPatternThatNeedsTooLargeATable) {
  for (const std::string_view large :
       {"(a|b)*a(a|b){20}", "((a{100}){100}){100}", "[^x]*x.{30}y", "(.*a){40}.{40}b.{40}c"}) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(Pattern::compile(large)) << large;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60)) << large;
  }
}

TEST(Pattern, TakesOneStepForEachCharacterWhateverItIs) {
  // With backtracking each of these takes for ever.
  const std::string text = std::string(1 << 20, 'a') + "!";
  for (const std::string_view evil :
       {"^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(a*)*b$", "^([a-zA-Z]+)*$"}) {
    const auto pattern = Pattern::compile(evil);
    ASSERT_TRUE(pattern) << evil;
    EXPECT_FALSE(pattern->matches(text)) << evil;
  }
}

}  // namespace
}  // namespace portcullis::schema

#include "config/request_template.hpp"

#include <gtest/gtest.h>

namespace portcullis::config {
namespace {

using Slot = RequestTemplate::Slot;

std::string error_of(std::string_view text) {
  const auto parsed = RequestTemplate::parse(text);
  return parsed ? "" : parsed.error();
}

TEST(RequestTemplate, KeepsItsTextAndTheOrderOfItsPlaceholders) {
  const auto parsed = RequestTemplate::parse(
      R"({"q": "Asked: {{message}}, {{ message_id }}!", "n": 123456789012345678901})");
  ASSERT_TRUE(parsed) << parsed.error();
  const auto& parts = parsed->parts();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].text, R"({"q": "Asked: )");
  EXPECT_EQ(parts[0].slot, Slot::message);
  EXPECT_EQ(parts[1].text, ", ");
  EXPECT_EQ(parts[1].slot, Slot::message_id);
  EXPECT_EQ(parts[2].text, R"(!", "n": 123456789012345678901})");
  EXPECT_EQ(parts[2].slot, std::nullopt);
}

TEST(RequestTemplate, AHistoryTakesThePlaceOfItsQuotes) {
  const auto parsed = RequestTemplate::parse(R"({"past":"{{history}}","m":"{{message}}"})");
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->parts()[0].text, R"({"past":)");
  EXPECT_EQ(parsed->parts()[1].text, R"(,"m":")");
  EXPECT_TRUE(parsed->has(Slot::history));
  EXPECT_FALSE(RequestTemplate::parse(R"(["{{message}}"])")->has(Slot::history));
}

TEST(RequestTemplate, RefusesAHistoryInsideOfText) {
  for (const auto* text : {R"({"a":"so far: {{history}}","m":"{{message}}"})",
                           R"({"a":"{{history}} ","m":"{{message}}"})",
                           R"({"a":"\"{{history}}","m":"{{message}}"})"}) {
    EXPECT_EQ(error_of(text), "{{history}} is a list: write \"{{history}}\" alone") << text;
  }
}

TEST(RequestTemplate, RefusesWhatIsNoJson) {
  const std::string why = "is no JSON object or list: placeholders stand inside of strings";
  for (const auto* text : {"", "{{message}}", R"({"m":{{message}}})", R"({"m":"{{message}}")",
                           R"("{{message}}")", R"({"m":"{{message}}"} and more)"}) {
    EXPECT_EQ(error_of(text), why) << text;
  }
  EXPECT_EQ(error_of(std::string(33, '[') + R"("{{message}}")" + std::string(33, ']')), why);
}

TEST(RequestTemplate, RefusesPlaceholdersThatItDoesNotKnowOrCannotFill) {
  EXPECT_EQ(error_of(R"({"m":"{{massage}}"})"), "'{{massage}}' is no placeholder");
  EXPECT_EQ(error_of(R"({"m":"{{message"})"), "has a {{ without its }}");
  EXPECT_EQ(error_of(R"({"m":"hello"})"), "has no {{message}}: what would be asked?");
}

TEST(RequestTemplate, RefusesPlaceholdersInNamesHoweverTheyAreWritten) {
  for (const auto* text : {R"({"{{message}}":1})", R"([{"a":{"{{page_url}}":"{{message}}"}}])",
                           R"({"\u007b{message}}":"{{message}}"})"}) {
    EXPECT_EQ(error_of(text), "a placeholder cannot be a name") << text;
  }
}

TEST(RequestTemplate, IsBounded) {
  EXPECT_EQ(error_of("[\"{{message}}" + std::string(64 * 1024, 'x') + "\"]"),
            "is longer than 64 KiB");
}

}  // namespace
}  // namespace portcullis::config

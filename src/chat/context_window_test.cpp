#include "chat/context_window.hpp"

#include <gtest/gtest.h>

namespace portcullis::chat {
namespace {

using Role = state::Message::Role;

state::Message question(const std::string& id, std::string text) {
  return {Role::user, id, std::move(text), {}, ""};
}
state::Message answer(const std::string& to, std::string text) {
  return {Role::assistant, "a" + to, std::move(text), {}, to};
}

std::string window(const std::vector<state::Message>& messages, std::size_t tokens) {
  std::string out;
  for (const auto& said : context_window(messages, "asked", tokens)) {
    out += (said.role == upstream::PastMessage::Role::user ? "U:" : "A:") + said.text + " ";
  }
  return out;
}

TEST(ContextWindow, KeepsWholeExchangesOldestFirstWithoutWhatIsAskedNow) {
  EXPECT_EQ(window({question("1", "one"), answer("1", "eins"), question("2", "two"),
                    answer("2", "zwei"), question("asked", "three")},
                   1000),
            "U:one A:eins U:two A:zwei ");
}

TEST(ContextWindow, RolesAlternateWhateverWasSaid) {
  EXPECT_EQ(window({answer("0", "its question is gone"), question("1", "never answered"),
                    question("2", "two"), answer("2", "zwei")},
                   1000),
            "U:two A:zwei ");
  EXPECT_EQ(
      window({question("1", "one"), question("2", "two"), answer("2", "zwei"), answer("1", "eins")},
             1000),
      "U:two A:zwei ")
      << "two messages at once";
  EXPECT_EQ(window({}, 1000), "");
}

TEST(ContextWindow, TheNewestFitAndNoneIsCut) {
  const std::vector<state::Message> messages{question("1", "one"), answer("1", "eins"),
                                             question("2", "two"), answer("2", "zwei")};
  const std::size_t exchange = 2 * estimated_tokens("zwei");
  EXPECT_EQ(window(messages, 2 * exchange), "U:one A:eins U:two A:zwei ");
  EXPECT_EQ(window(messages, 2 * exchange - 1), "U:two A:zwei ");
  EXPECT_EQ(window(messages, exchange - 1), "");
  EXPECT_EQ(window(messages, 0), "");
}

TEST(ContextWindow, TokensAreGuessedFromAbove) {
  EXPECT_GE(estimated_tokens("Where is my parcel, please?"), 7U);
  EXPECT_GE(estimated_tokens("我的包裹在哪里"), 7U);
  EXPECT_GT(estimated_tokens(""), 0U);
}

}  // namespace
}  // namespace portcullis::chat

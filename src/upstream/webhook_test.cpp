#include "upstream/webhook.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace portcullis::upstream {
namespace {

std::string filled(std::string_view text, const Question& question) {
  const auto request = config::RequestTemplate::parse(text);
  EXPECT_TRUE(request) << request.error();
  return Webhook::payload(*request, question);
}

TEST(Webhook, FillsItsTemplate) {
  Question question;
  question.message = "Hello";
  question.message_id = "m1";
  question.session_handle = "s1";
  question.origin_domain = "shop.example";
  question.page_url = "https://shop.example/a?b";
  question.history = {{PastMessage::Role::user, "Q"}, {PastMessage::Role::assistant, "A"}};
  EXPECT_EQ(filled(R"({"q":"<{{message}}>","ids":["{{message_id}}","{{session_id}}"],)"
                   R"("at":"{{origin_domain}} {{page_url}}","past":"{{history}}","k":1e999})",
                   question),
            R"({"q":"<Hello>","ids":["m1","s1"],"at":"shop.example https://shop.example/a?b",)"
            R"("past":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],)"
            R"("k":1e999})");
  EXPECT_EQ(filled(R"({"q":"{{message}}","of":"{{user_id}}"})", question),
            R"({"q":"Hello","of":""})");
  question.user = R"(a"b)";
  EXPECT_EQ(filled(R"({"q":"{{message}}","of":"{{user_id}}"})", question),
            R"({"q":"Hello","of":"a\"b"})");
  question.history.clear();
  EXPECT_EQ(filled(R"({"q":"{{message}}","past":"{{history}}"})", question),
            R"({"q":"Hello","past":[]})");
}

TEST(Webhook, WhateverIsSaidStaysInItsString) {
  constexpr std::string_view kTemplate =
      R"({"q":"a{{message}}z","past":"{{history}}","admin":false})";
  for (const std::string& said :
       {std::string(R"(","admin":true,"x":")"), std::string(R"(\)"), std::string(R"(\")"),
        std::string("{{session_id}}"), std::string("}}\"{{history}}"), std::string("\n\x01\x7f", 3),
        std::string("\xff\xed\xa0\x80"), std::string(), std::string("\xe2\x80\xa8", 3)}) {
    Question question;
    question.message = said;
    question.session_handle = "handle";
    question.history = {{PastMessage::Role::user, said}};
    const auto body = boost::json::parse(filled(kTemplate, question)).as_object();
    EXPECT_EQ(body.size(), 3U) << said;
    EXPECT_FALSE(body.at("admin").as_bool()) << said;
    const std::string q(body.at("q").as_string());
    EXPECT_TRUE(q.starts_with('a') && q.ends_with('z')) << q;
    EXPECT_EQ(q.find("handle"), std::string::npos) << "what is said is no template";
    EXPECT_EQ(body.at("past").as_array().size(), 1U) << said;
  }
}

}  // namespace
}  // namespace portcullis::upstream

#include "http/problem.hpp"

#include <boost/json.hpp>
#include <set>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

TEST(Problem, EveryCodeStandsInTheTableOnce) {
  std::set<Code> codes;
  std::set<std::string_view> names;
  for (const auto& info : code_table()) {
    EXPECT_TRUE(codes.insert(info.code).second) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.title.empty());
    EXPECT_FALSE(info.meaning.empty());
    EXPECT_NE(reason_phrase(info.status), "Unknown") << info.status;
    EXPECT_TRUE(info.status == 308 || (info.status >= 400 && info.status < 600)) << info.name;
    for (const char c : info.name) EXPECT_TRUE(c == '_' || (c >= 'A' && c <= 'Z')) << info.name;
  }
  for (int c = 0; c <= static_cast<int>(Code::permanent_redirect); ++c) {
    EXPECT_TRUE(codes.contains(static_cast<Code>(c))) << "code " << c << " has no line";
    EXPECT_EQ(info_of(static_cast<Code>(c)).code, static_cast<Code>(c));
  }
}

TEST(Problem, TheBodyIsJsonWithEveryMember) {
  PROVES("F060");
  for (const auto& info : code_table()) {
    const auto body = problem_body(Problem(info.code, "what happened", 7), "01ARZ3", "/a/b");
    const auto o = boost::json::parse(body).as_object();
    EXPECT_EQ(o.at("status").as_int64(), info.status);
    EXPECT_EQ(o.at("code").as_string(), info.name);
    EXPECT_EQ(o.at("title").as_string(), info.title);
    EXPECT_EQ(o.at("error").as_string(), info.title);
    EXPECT_EQ(o.at("detail").as_string(), "what happened");
    EXPECT_EQ(o.at("error_id").as_string(), "01ARZ3");
    EXPECT_EQ(o.at("instance").as_string(), "/a/b");
    EXPECT_EQ(o.at("retry_after").as_int64(), 7);
    EXPECT_TRUE(o.at("type").as_string().starts_with("urn:portcullis:problem:"));
  }
}

TEST(Problem, WithoutADetailTheMeaningStandsThereAndNoRetry) {
  const auto body = problem_body(Problem(Code::not_found), "id", "/");
  const auto o = boost::json::parse(body).as_object();
  EXPECT_EQ(o.at("detail").as_string(), info_of(Code::not_found).meaning);
  EXPECT_EQ(o.at("type").as_string(), "urn:portcullis:problem:not-found");
  EXPECT_FALSE(o.contains("retry_after"));
}

TEST(Problem, WhatAClientSentCannotBreakTheJson) {
  for (const std::string_view hostile :
       {"\"}{\"x\":\"", "\xff\xfe", "a\nb", "</script>", "\\", "\x01\x1f"}) {
    const auto body =
        problem_body(Problem(Code::bad_request, std::string(hostile)), hostile, hostile);
    EXPECT_TRUE(text::is_utf8(body));
    boost::system::error_code error;
    const auto value = boost::json::parse(body, error);
    ASSERT_FALSE(error) << body;
    EXPECT_EQ(value.as_object().size(), 8U);
  }
}

}  // namespace
}  // namespace portcullis::http

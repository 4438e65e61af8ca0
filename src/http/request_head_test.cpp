#include "http/request_head.hpp"

#include <string>

#include "http/head_parser.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

TEST(RequestHead, SplitsEveryFormOfATarget) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
    const char* scheme;
    const char* authority;
  };
  for (const auto& c : {
           Case{"/", "/", "", "", ""},
           Case{"/a?b", "/a", "b", "", ""},
           Case{"/a?b?c=/d", "/a", "b?c=/d", "", ""},
           Case{"/a?", "/a", "", "", ""},
           Case{"//h/p", "//h/p", "", "", ""},
           Case{"/a://b", "/a://b", "", "", ""},
           Case{"/?u=http://x/", "/", "u=http://x/", "", ""},
           Case{"*", "*", "", "", ""},
           Case{"http://h:8/p?q", "/p", "q", "http", "h:8"},
           Case{"http://h", "", "", "http", "h"},
           Case{"http://h?q", "", "q", "http", "h"},
       }) {
    const std::string bytes = "GET " + std::string(c.target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    RequestHead head;
    ASSERT_TRUE(parse_request_head(bytes, head)) << c.target;
    EXPECT_EQ(head.target(), c.target);
    EXPECT_EQ(head.path(), c.path) << c.target;
    EXPECT_EQ(head.query(), c.query) << c.target;
    EXPECT_EQ(head.scheme(), c.scheme) << c.target;
    EXPECT_EQ(head.authority(), c.authority) << c.target;
  }
}

TEST(RequestHead, FindsTokensOfListHeaders) {
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade , keep-alive\r\nConnection: x\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(parse_request_head(bytes, head));
  EXPECT_TRUE(head.has_token("connection", "upgrade"));
  EXPECT_TRUE(head.has_token("Connection", "Keep-Alive"));
  EXPECT_TRUE(head.has_token("connection", "x"));
  EXPECT_FALSE(head.has_token("connection", "keep"));
  EXPECT_FALSE(head.has_token("connection", ""));
  EXPECT_FALSE(head.has_token("absent", "x"));
}

TEST(RequestHead, FollowsItsBytesWhenTheyMove) {
  std::string bytes = "GET /path?q HTTP/1.1\r\nHost: here\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(parse_request_head(bytes, head));
  const std::string moved = bytes;
  bytes.assign(bytes.size(), '!');
  head.rebase(moved.data());
  EXPECT_EQ(head.path(), "/path");
  EXPECT_EQ(head.query(), "q");
  EXPECT_EQ(head.get("host"), "here");
}

TEST(RequestHead, VisitsFieldsInTheirOrder) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nB: 1\r\nA: 2\r\nb: 3\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(parse_request_head(bytes, head));
  std::string all;
  head.for_each([&](std::string_view name, std::string_view value) {
    all.append(name).append("=").append(value).append(" ");
  });
  EXPECT_EQ(all, "Host=h B=1 A=2 b=3 ");
  std::string some;
  head.for_each("B", [&](std::string_view value) { some += value; });
  EXPECT_EQ(some, "13");
}

TEST(RequestHead, KnowsTheNamesOfMethods) {
  EXPECT_EQ(name_of(Method::get), "GET");
  EXPECT_EQ(name_of(Method::delete_), "DELETE");
  EXPECT_EQ(name_of(Method::other), "other");
}

TEST(RequestHead, AnEmptyHeadHasNothing) {
  const RequestHead head;
  EXPECT_EQ(head.path(), "");
  EXPECT_EQ(head.get("host"), "");
  EXPECT_EQ(head.field_count(), 0U);
}

}  // namespace
}  // namespace portcullis::http

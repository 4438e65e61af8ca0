#include "http/head_parser.hpp"

#include <string>
#include <vector>

#include "proves.hpp"

namespace portcullis::http {
namespace {

// ---- request heads

TEST(RequestHeadParser, FillsTheHead) {
  const std::string bytes =
      "POST /a/b?c=d&e HTTP/1.1\r\nHost: a.example\r\nX-Two:  spaced \t\r\nx-two: again\r\n"
      "Empty:\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(parse_request_head(bytes, head));
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(head.method_text(), "POST");
  EXPECT_EQ(head.version, 11);
  EXPECT_EQ(head.target(), "/a/b?c=d&e");
  EXPECT_EQ(head.path(), "/a/b");
  EXPECT_EQ(head.query(), "c=d&e");
  EXPECT_EQ(head.get("x-TWO"), "spaced");
  EXPECT_EQ(head.count("X-Two"), 2U);
  EXPECT_EQ(head.find("empty"), std::optional<std::string_view>(""));
  EXPECT_FALSE(head.find("absent"));
  EXPECT_EQ(head.field_count(), 4U);
}

TEST(RequestHeadParser, RefusesARequestLineThatEndsTooEarly) {
  for (const std::string_view bytes :
       {"GET http://ost: A\r\n\r\n", "GET / H\r\n\r\n", "GET / HTTP\r\n\r\n", "GET / 1\r\n\r\n"}) {
    RequestHead head;
    EXPECT_FALSE(parse_request_head(bytes, head)) << bytes;
  }
}

TEST(RequestHeadParser, UsesAHeadAgain) {
  RequestHead head;
  const std::string first = "POST http://a/x?y HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n";
  const std::string second = "GET / HTTP/1.0\r\n\r\n";
  ASSERT_TRUE(parse_request_head(first, head));
  ASSERT_TRUE(parse_request_head(second, head));
  EXPECT_EQ(head.method, Method::get);
  EXPECT_EQ(head.version, 10);
  EXPECT_EQ(head.path(), "/");
  EXPECT_EQ(head.query(), "");
  EXPECT_EQ(head.authority(), "");
  EXPECT_EQ(head.field_count(), 0U);
}

TEST(RequestHeadParser, UnknownMethodsAreOther) {
  for (const char* method : {"FOO", "get", "GETX", "PROPFIND"}) {
    RequestHead head;
    const std::string bytes = std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    ASSERT_TRUE(parse_request_head(bytes, head)) << method;
    EXPECT_EQ(head.method, Method::other);
    EXPECT_EQ(head.method_text(), method);
  }
}

// ---- answers

struct Answer {
  ResponseHeadView head;
  std::string body;
  bool done = false;
  bool head_done = false;
  std::string left;
  std::optional<ErrorCode> error;
};

enum class End : std::uint8_t { open, eof };

Answer parse_answer(std::string_view bytes, std::size_t step, End end = End::open,
                    bool head_request = false) {
  ResponseParser parser({.head_request = head_request});
  Answer out;
  std::string held;
  for (std::size_t at = 0; at < bytes.size() && !out.error; at += step) {
    held += bytes.substr(at, step);
    const auto used = parser.put(held, out.body);
    if (!used) {
      out.error = used.error();
    } else {
      held.erase(0, *used);
    }
  }
  if (!out.error && end == End::eof) {
    if (auto closed = parser.put_eof(); !closed) out.error = closed.error();
  }
  out.left = held;
  out.head_done = parser.head_done();
  out.done = !out.error && parser.done();
  if (out.head_done) out.head = parser.head();
  return out;
}

TEST(ResponseParser, ReadsHeadAndBodyWhateverWayTheyAreSplit) {
  const std::string_view bytes =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
      "Retry-After: 7\r\nKeep-Alive: timeout=5\r\n\r\nhelloNEXT";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const auto answer = parse_answer(bytes, step);
    ASSERT_FALSE(answer.error) << step;
    EXPECT_TRUE(answer.done);
    EXPECT_EQ(answer.head.status, 200);
    EXPECT_EQ(answer.head.content_type, "application/json");
    EXPECT_EQ(answer.head.content_length, 5U);
    EXPECT_EQ(answer.head.retry_after, "7");
    EXPECT_EQ(answer.head.keep_alive_header, "timeout=5");
    EXPECT_TRUE(answer.head.keep_alive);
    EXPECT_FALSE(answer.head.chunked);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.left, "NEXT");
  }
}

TEST(ResponseParser, ReadsChunksAndDropsTrailers) {
  const std::string_view bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: a\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\nContent-Type: evil\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const auto answer = parse_answer(bytes, step);
    ASSERT_FALSE(answer.error) << step;
    EXPECT_TRUE(answer.done);
    EXPECT_TRUE(answer.head.chunked);
    EXPECT_EQ(answer.head.content_type, "a");
    EXPECT_EQ(answer.body, "abcde");
  }
}

TEST(ResponseParser, SkipsInterimAnswers) {
  const std::string_view bytes =
      "HTTP/1.1 100 Continue\r\nContent-Type: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const auto answer = parse_answer(bytes, step);
    ASSERT_FALSE(answer.error) << step;
    EXPECT_TRUE(answer.done) << step;
    EXPECT_EQ(answer.head.status, 201);
    EXPECT_EQ(answer.head.content_type, "");
    EXPECT_EQ(answer.body, "ok");
  }
}

TEST(ResponseParser, RefusesAnUpgradeThatNobodyAskedFor) {
  EXPECT_TRUE(parse_answer("HTTP/1.1 101 Switching Protocols\r\n\r\n", 100).error);
}

TEST(ResponseParser, AnAnswerToHeadHasNoBody) {
  const auto answer =
      parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100, End::open, true);
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.done);
  EXPECT_TRUE(answer.body.empty());
}

TEST(ResponseParser, AnAnswerToHeadHasNoBodyAfterAnInterimAnswerEither) {
  const auto answer =
      parse_answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                   100, End::open, true);
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.done);
}

TEST(ResponseParser, NoContentAndNotModifiedHaveNoBody) {
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    const auto answer = parse_answer("HTTP/1.1 " + std::string(status) + "\r\n\r\n", 1);
    EXPECT_TRUE(answer.done) << status;
  }
}

TEST(ResponseParser, TheEndOfTheConnectionEndsABodyWithoutALength) {
  const std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it";
  const auto open = parse_answer(bytes, 7);
  EXPECT_FALSE(open.done);
  const auto closed = parse_answer(bytes, 7, End::eof);
  EXPECT_FALSE(closed.error);
  EXPECT_TRUE(closed.done);
  EXPECT_EQ(closed.body, "all of it");
  EXPECT_FALSE(closed.head.keep_alive);
}

TEST(ResponseParser, TellsAnAnswerThatWasCut) {
  for (const std::string_view bytes :
       {"", "HTTP/1.1", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    const auto answer = parse_answer(bytes, 1, End::eof);
    ASSERT_TRUE(answer.error) << bytes;
    EXPECT_EQ(*answer.error, ErrorCode::closed) << bytes;
  }
}

TEST(ResponseParser, RefusesWhatIsNoAnswer) {
  for (const std::string_view bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 011 Low\r\n\r\n", "HTTP/1.1 099 Low\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n", "HTTP/3.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    const auto answer = parse_answer(bytes, bytes.size());
    ASSERT_TRUE(answer.error) << bytes;
    EXPECT_EQ(*answer.error, ErrorCode::malformed) << bytes;
  }
}

TEST(ResponseParser, AHeadIsBounded) {
  std::string bytes = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 3000; ++i)
    bytes += "X-" + std::to_string(i) + ": " + std::string(40, 'x') + "\r\n";
  const auto answer = parse_answer(bytes, 1000);
  ASSERT_TRUE(answer.error);
  EXPECT_EQ(*answer.error, ErrorCode::too_large);
}

}  // namespace
}  // namespace portcullis::http

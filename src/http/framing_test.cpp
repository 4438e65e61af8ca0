#include "http/framing.hpp"

#include <string>

#include "http/head_parser.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

/// The head with these fields after a request line of its own.
std::string head_with(const std::string& fields, const std::string& line = "POST / HTTP/1.1") {
  return line + "\r\n" + fields + "\r\n";
}

/// Raw check, parser and framing, as a connection does it.
std::expected<Framing, FramingError> frame(const std::string& bytes) {
  RequestHead head;
  if (auto parsed = parse_request_head(bytes, head); !parsed)
    return std::unexpected(parsed.error());
  return check_framing(head);
}

void expect_refused(const std::string& bytes, Code code = Code::bad_request) {
  const auto framing = frame(bytes);
  EXPECT_FALSE(framing.has_value()) << "accepted: " << bytes;
  if (!framing) {
    EXPECT_EQ(framing.error().code, code) << framing.error().reason << "\n" << bytes;
    EXPECT_FALSE(framing.error().reason.empty());
  }
}

// ---- bytes

TEST(RawHead, AcceptsWhatBrowsersAndCurlSend) {
  EXPECT_TRUE(
      check_raw_head("GET /a?b=%7B&c={x}|^` HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n"
                     "Empty:\r\nTab:\ta\tb \r\nLatin: caf\xe9\r\n\r\n"));
  EXPECT_TRUE(check_raw_head("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(check_raw_head("GET / HTTP/1.0\r\n\r\n"));
}

TEST(RawHead, RefusesEveryFormThatALenientParserWouldMend) {
  for (const std::string_view bytes : {
           "GET / HTTP/1.1\nHost: a\n\n",
           "GET / HTTP/1.1\r\nHost: a\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
           "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost\r\n\r\n",
           "GET / HTTP/1.1\r\n: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
           "GET / HTTP/1.1\r\nH\xc3\xb6st: a\r\n\r\n",
           "GET / HTTP/1.1\r\nX(y): a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\x0b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
           " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\r\nHost: a\r\n\r\n",
           "GET\r\n\r\n",
           "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "\r\n",
           "",
           "GET / HTTP/1.1\r\nHost: a\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
           "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\"a HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
       }) {
    EXPECT_FALSE(check_raw_head(bytes)) << bytes;
  }
}

TEST(RawHead, RefusesNulEverywhere) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n";
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string bytes = head;
    bytes[i] = '\0';
    EXPECT_FALSE(frame(bytes).has_value()) << "NUL at " << i;
  }
}

TEST(RawHead, FindsAControlCharacterAtEveryPlaceOfAValue) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        if (c == '\r' || c == '\n') continue;  // those end the line
        std::string value(size, 'v');
        value[at] = static_cast<char>(c);
        const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
        const auto checked = check_raw_head("GET / HTTP/1.1\r\nX:" + value + "\r\n\r\n");
        ASSERT_EQ(checked.has_value(), allowed) << size << " " << at << " " << c;
      }
    }
  }
}

TEST(RawHead, TooMuchHasCodesOfItsOwn) {
  const auto line = check_raw_head("GET /" + std::string(kMaxRequestLineBytes, 'a') +
                                   " HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Code::uri_too_long);
  EXPECT_TRUE(check_raw_head("GET /" + std::string(kMaxRequestLineBytes - 14, 'a') +
                             " HTTP/1.1\r\nHost: a\r\n\r\n"));

  std::string fields = "Host: a\r\n";
  for (std::size_t i = 1; i < kMaxFields; ++i) fields += "X: a\r\n";
  EXPECT_TRUE(check_raw_head(head_with(fields)));
  const auto many = check_raw_head(head_with(fields + "X: a\r\n"));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Code::headers_too_large);
}

// ---- length

TEST(Framing, TellsHowABodyIsDelimited) {
  const auto none = frame(head_with("Host: a\r\n", "GET / HTTP/1.1"));
  ASSERT_TRUE(none);
  EXPECT_EQ(none->body, Framing::Body::none);
  const auto length = frame(head_with("Host: a\r\nContent-Length: 12\r\n"));
  ASSERT_TRUE(length);
  EXPECT_EQ(length->body, Framing::Body::length);
  EXPECT_EQ(length->content_length, 12U);
  const auto zero = frame(head_with("Host: a\r\nContent-Length: 0\r\n"));
  ASSERT_TRUE(zero);
  EXPECT_EQ(zero->body, Framing::Body::none);
  const auto chunked = frame(head_with("Host: a\r\nTransfer-Encoding: CHUNKED\r\n"));
  ASSERT_TRUE(chunked);
  EXPECT_EQ(chunked->body, Framing::Body::chunked);
}

TEST(Framing, RefusesEveryLengthThatTwoReadersCouldUnderstandDifferently) {
  for (const char* fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length: 5.0\r\n",
           "Content-Length:\r\n",
           "Content-Length: five\r\n",
           "Content-Length: 18446744073709551616\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Content-Length: 00000000000000000005\r\n",
           "Transfer-Encoding: gzip\r\n",
           "Transfer-Encoding: chunked, gzip\r\n",
           "Transfer-Encoding: chunked, chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
           "Transfer-Encoding: identity\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: \"chunked\"\r\n",
           "Transfer-Encoding: chunked;q=1\r\n",
           "Transfer-Encoding:\r\n",
           "Transfer-Encoding: ,chunked,\r\n",
       }) {
    expect_refused(head_with(std::string("Host: a\r\n") + fields));
  }
  expect_refused(head_with("Host: a\r\nTransfer-Encoding: chunked\r\n", "POST / HTTP/1.0"));
}

TEST(Framing, ATransferCodingThatEndsTheBodyButIsUnknownIsNotImplemented) {
  expect_refused(head_with("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n"),
                 Code::not_implemented);
}

// ---- host and target

TEST(Framing, WantsExactlyOneHost) {
  PROVES("F047");
  expect_refused("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", Code::invalid_host);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Code::invalid_host);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", Code::invalid_host);
  expect_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", Code::invalid_host);
  EXPECT_TRUE(frame("GET / HTTP/1.0\r\n\r\n"));
}

TEST(Framing, AnAbsoluteTargetMustAgreeWithHost) {
  PROVES("F047");
  EXPECT_TRUE(frame("GET http://a.example/x HTTP/1.1\r\nHost: A.example\r\n\r\n"));
  EXPECT_TRUE(frame("GET HTTPS://a.example:8443/x HTTP/1.1\r\nHost: a.example:8443\r\n\r\n"));
  for (const char* target : {"http://b.example/x", "http://a.example:81/x", "http://u@a.example/x",
                             "http:///x", "http://a.example.b.example/"}) {
    expect_refused("GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n\r\n",
                   Code::invalid_host);
  }
  expect_refused("GET ftp://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  expect_refused("GET javascript://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST(Framing, ATargetIsAPathOrTheAsteriskOfOptions) {
  EXPECT_TRUE(frame("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
  expect_refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_refused("GET a HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_refused("GET ?x HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_refused("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Code::not_implemented);
  EXPECT_TRUE(frame("GET //a/b HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST(Framing, OnlyKnownVersionsPass) {
  for (const char* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3", "HTTP/11.1"}) {
    const auto framing = frame("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_FALSE(framing.has_value()) << version;
  }
  for (const char* version : {"http/1.1", "HTTP/1", "HTTP 1.1", "XTTP/1.1", "HTTP/1.1x"}) {
    const auto framing = frame("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_FALSE(framing.has_value()) << version;
  }
}

TEST(Framing, KeepsTheConnectionAsTheVersionSays) {
  EXPECT_TRUE(frame(head_with("Host: a\r\n"))->keep_alive);
  EXPECT_FALSE(frame(head_with("Host: a\r\nConnection: x, Close\r\n"))->keep_alive);
  EXPECT_FALSE(frame(head_with("Host: a\r\nConnection: x\r\nConnection: close\r\n"))->keep_alive);
  EXPECT_FALSE(frame(head_with("Host: a\r\n", "GET / HTTP/1.0"))->keep_alive);
  EXPECT_TRUE(
      frame(head_with("Host: a\r\nConnection: Keep-Alive\r\n", "GET / HTTP/1.0"))->keep_alive);
}

}  // namespace
}  // namespace portcullis::http

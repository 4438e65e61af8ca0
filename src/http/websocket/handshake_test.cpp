#include "http/websocket/handshake.hpp"

#include <gtest/gtest.h>

#include "http/memory_exchange.hpp"
#include "net/worker.hpp"

namespace portcullis::http::websocket {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

std::string fields(std::string_view key = kKey, std::string_view version = "13") {
  return "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: " +
         std::string(version) + "\r\nSec-WebSocket-Key: " + std::string(key) + "\r\n";
}

std::expected<Handshake, Problem> read(const std::string& line, const std::string& rest) {
  net::Worker worker(0);
  const MemoryExchange exchange(worker, line + "\r\n" + rest + "\r\n");
  return read_handshake(exchange);
}

TEST(Handshake, AnswersTheExampleOfTheSpecification) {
  const auto handshake = read("GET /chat HTTP/1.1", fields());
  ASSERT_TRUE(handshake) << handshake.error().detail;
  EXPECT_EQ(handshake->accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(handshake->deflate);
  const auto head = handshake_answer(*handshake, "chat");
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.headers.find("Sec-WebSocket-Protocol"), "chat");
}

TEST(Handshake, SaysWhatItWantsToWhoeverSpeaksSomethingElse) {
  for (const auto& rest :
       {std::string("Host: a\r\n"), fields(kKey, "8"), fields() + "Sec-WebSocket-Version: 13\r\n",
        std::string("Host: a\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
                    "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")}) {
    const auto handshake = read("GET / HTTP/1.1", rest);
    ASSERT_FALSE(handshake) << rest;
    EXPECT_EQ(handshake.error().code, Code::upgrade_required) << rest;
  }
}

TEST(Handshake, RefusesWhatIsNoneOfItsForm) {
  for (const auto* line : {"HEAD / HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.0"}) {
    EXPECT_EQ(read(line, fields()).error().code, Code::bad_request) << line;
  }
  for (const auto* key : {"", "short==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZR==",
                          "dGhlIHNhbXBsZSBub25j-Q==", "dGhlIHNhbXBsZSBub25jZSBub25jZQ=="}) {
    EXPECT_EQ(read("GET / HTTP/1.1", fields(key)).error().code, Code::bad_request) << key;
  }
  const auto twice = fields() + "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n";
  EXPECT_EQ(read("GET / HTTP/1.1", twice).error().code, Code::bad_request);
  EXPECT_EQ(read("GET / HTTP/1.1", fields() + "Content-Length: 3\r\n").error().code,
            Code::bad_request);
}

TEST(Handshake, ListsTheProtocolsThatAreOffered) {
  net::Worker worker(0);
  const MemoryExchange exchange(worker, "GET / HTTP/1.1\r\n" + fields() +
                                            "Sec-WebSocket-Protocol: a, b.c\r\n"
                                            "Sec-WebSocket-Protocol: no token, d\r\n\r\n");
  EXPECT_EQ(offered_protocols(exchange.head()), (std::vector<std::string_view>{"a", "b.c", "d"}));
}

}  // namespace
}  // namespace portcullis::http::websocket

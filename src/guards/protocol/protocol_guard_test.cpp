#include "guards/protocol/protocol_guard.hpp"

#include <string>

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

/// The status with which a request line and headers are refused; 0 where they pass.
int refused_with(const std::string& bytes) {
  ManualClock clock;
  net::Worker worker(0, clock);
  http::MemoryExchange exchange(worker, bytes);
  pipeline::Route route;
  exchange.route = &route;
  auto decision = make_protocol_guard()->on_request(exchange);
  const auto& verdict = *decision.value();
  return verdict.kind == pipeline::Verdict::Kind::pass ? 0
                                                       : http::info_of(verdict.problem.code).status;
}

TEST(ProtocolGuard, PassesWhatIsARequest) {
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    EXPECT_EQ(refused_with(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 0) << method;
  }
}

TEST(ProtocolGuard, RefusesMethodsThatWeDoNotHave) {
  for (const char* method : {"TRACE", "PROPFIND", "get"}) {
    EXPECT_EQ(refused_with(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 501) << method;
  }
  EXPECT_EQ(refused_with("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), 501);
}

TEST(ProtocolGuard, RefusesWhatIsNoRequestWithTheStatusOfItsMistake) {
  EXPECT_EQ(refused_with("nonsense"), 400);
  EXPECT_EQ(refused_with("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused_with("GET / HTTP/9.9\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(refused_with("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            501);
}

}  // namespace
}  // namespace portcullis::guards

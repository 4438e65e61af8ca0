#include "guards/blocks/blocks_guard.hpp"

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

using pipeline::RouteClass;
using pipeline::Verdict;

class BlocksGuardTest : public testing::Test {
 protected:
  BlocksGuardTest() {
    settings_.cookie_name = "chat_session_id";
    route_.cls = RouteClass::chat;
  }

  Verdict decide(const char* from, const std::string& fields = "") {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.client.address = *IpAddress::parse(from);
    auto decision = (*make_blocks_guard(settings_, blocks_))->on_request(exchange);
    blocked_since_ = exchange.client.blocked_since;
    return *decision.value();
  }
  bool passes(const char* from, const std::string& fields = "") {
    return decide(from, fields).kind == Verdict::Kind::pass;
  }

  net::Worker worker_{0};
  config::Settings settings_;
  state::BlockTable blocks_{10};
  pipeline::Route route_;
  std::optional<WallTime> blocked_since_;
};

TEST_F(BlocksGuardTest, RefusesABlockedAddressAndSaysForHowLong) {
  blocks_.offend(*IpAddress::parse("198.51.100.7"), Seconds{42}, "rate");
  const auto verdict = decide("198.51.100.7");
  EXPECT_EQ(verdict.kind, Verdict::Kind::refuse);
  EXPECT_EQ(verdict.problem.code, http::Code::address_blocked);
  EXPECT_GE(verdict.problem.retry_after, 41);
  EXPECT_LE(verdict.problem.retry_after, 42);
  EXPECT_TRUE(passes("198.51.100.8"));
}

TEST_F(BlocksGuardTest, NeverRefusesAProbe) {
  blocks_.offend(*IpAddress::parse("198.51.100.7"), Seconds{42}, "rate");
  route_.cls = RouteClass::probe;
  EXPECT_TRUE(passes("198.51.100.7"));
}

TEST_F(BlocksGuardTest, AnswersAPreflightSoThatAPageCanReadTheRefusal) {
  blocks_.offend(*IpAddress::parse("198.51.100.7"), Seconds{42}, "rate");
  const auto passes_as = [&](const char* method, const char* fields) {
    http::MemoryExchange exchange(
        worker_, std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.client.address = *IpAddress::parse("198.51.100.7");
    auto decision = (*make_blocks_guard(settings_, blocks_))->on_request(exchange);
    return decision.value()->kind == Verdict::Kind::pass;
  };
  EXPECT_TRUE(passes_as("OPTIONS", "Access-Control-Request-Method: POST\r\n"));
  EXPECT_FALSE(passes_as("OPTIONS", ""));
  EXPECT_FALSE(passes_as("POST", "Access-Control-Request-Method: POST\r\n"));
  settings_.always_blocked = {*Cidr::parse("198.51.100.7")};
  EXPECT_FALSE(passes_as("OPTIONS", "Access-Control-Request-Method: POST\r\n"));
}

TEST_F(BlocksGuardTest, RefusesTheListOfAnOperatorWithoutAnEnd) {
  PROVES("F118");
  settings_.always_blocked = {*Cidr::parse("203.0.113.0/24")};
  const auto verdict = decide("203.0.113.200");
  EXPECT_EQ(verdict.problem.code, http::Code::address_blocked);
  EXPECT_FALSE(verdict.problem.retry_after);
  EXPECT_TRUE(passes("203.0.114.1"));
  route_.session = pipeline::SessionNeed::required;
  EXPECT_FALSE(passes("203.0.113.200", "Cookie: chat_session_id=x\r\n")) << "whoever it is";
}

TEST_F(BlocksGuardTest, NeverBlocksWhatAnOperatorTrusts) {
  PROVES("F142");
  blocks_.offend(*IpAddress::parse("198.51.100.7"), Seconds{42}, "rate");
  settings_.never_blocked = {*Cidr::parse("198.51.100.0/28")};
  EXPECT_TRUE(passes("198.51.100.7"));
}

TEST_F(BlocksGuardTest, LeavesWhoShowsASessionToTheGuardsThatKnowIt) {
  blocks_.offend(*IpAddress::parse("198.51.100.7"), Seconds{42}, "rate");
  EXPECT_FALSE(passes("198.51.100.7", "Cookie: chat_session_id=x\r\n")) << "a route without one";
  route_.session = pipeline::SessionNeed::required;
  EXPECT_FALSE(passes("198.51.100.7", "Cookie: other=x\r\n"));
  EXPECT_FALSE(blocked_since_);
  EXPECT_TRUE(passes("198.51.100.7", "Cookie: chat_session_id=x\r\n"));
  EXPECT_TRUE(blocked_since_);
  EXPECT_TRUE(passes("198.51.100.7", "Authorization: Bearer pcs_x\r\n"));
}

}  // namespace
}  // namespace portcullis::guards

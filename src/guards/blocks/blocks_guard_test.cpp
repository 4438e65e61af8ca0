#include "guards/blocks/blocks_guard.hpp"

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

class OneBlock final : public BlockList {
 public:
  std::int64_t remaining(const IpAddress& address) const noexcept override {
    return address == IpAddress::v4(0x7f000001) ? 42 : 0;
  }
};

class BlocksGuardTest : public testing::Test {
 protected:
  pipeline::Verdict decide(const BlockList* blocks, pipeline::RouteClass cls, std::uint32_t from) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pipeline::Route route;
    route.cls = cls;
    exchange.route = &route;
    exchange.client.address = IpAddress::v4(from);
    auto decision = make_blocks_guard(blocks)->on_request(exchange);
    return *decision.value();
  }
  net::Worker worker_{0};
  OneBlock blocks_;
};

TEST_F(BlocksGuardTest, RefusesABlockedAddressAndSaysForHowLong) {
  const auto verdict = decide(&blocks_, pipeline::RouteClass::chat, 0x7f000001);
  EXPECT_EQ(verdict.kind, pipeline::Verdict::Kind::refuse);
  EXPECT_EQ(verdict.problem.code, http::Code::address_blocked);
  EXPECT_EQ(verdict.problem.retry_after, 42);
}

TEST_F(BlocksGuardTest, PassesOthersProbesAndEverybodyWhereNobodyIsBlocked) {
  using pipeline::Verdict;
  EXPECT_EQ(decide(&blocks_, pipeline::RouteClass::chat, 0x7f000002).kind, Verdict::Kind::pass);
  EXPECT_EQ(decide(&blocks_, pipeline::RouteClass::probe, 0x7f000001).kind, Verdict::Kind::pass);
  EXPECT_EQ(decide(nullptr, pipeline::RouteClass::chat, 0x7f000001).kind, Verdict::Kind::pass);
}

}  // namespace
}  // namespace portcullis::guards

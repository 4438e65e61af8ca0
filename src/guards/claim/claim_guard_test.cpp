#include "guards/claim/claim_guard.hpp"

#include <string>

#include "http/memory_exchange.hpp"
#include "limited_guard_fixture.hpp"
#include "state/simulated_store.hpp"

namespace portcullis::guards {
namespace {

using pipeline::Verdict;
using Status = http::SessionState::Status;

config::Settings settings_with(std::int64_t per_minute) {
  auto settings = default_settings();
  settings.limit_chat_session_minute = per_minute;
  return settings;
}

class FixedClaim final : public pipeline::ClaimReader {
 public:
  std::optional<pipeline::ClaimedSession> claim_in(const http::Exchange&) const override {
    return claim;
  }
  std::optional<pipeline::ClaimedSession> claim = pipeline::ClaimedSession{"id-1", true};
};

class ClaimGuardTest : public LimitedGuardFixture {
 protected:
  ClaimGuardTest() : LimitedGuardFixture(settings_with(3)) {
    route_.cls = pipeline::RouteClass::chat;
    route_.claims = &reader_;
  }
  struct Call {
    Result<Verdict> verdict;
    http::Principal principal;
    Status status;
    std::string tier;
    bool passed() const { return verdict && verdict->kind == Verdict::Kind::pass; }
  };
  Call call(state::Store& store, const std::string& agent = "Browser/1",
            const char* address = "203.0.113.7") {
    http::MemoryExchange exchange(
        worker_, "POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: " + agent + "\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address);
    const auto guard = make_claim_guard(
        settings_, tokens_, {store, blocks_, in_flight_, metrics_, "a secret of this test"});
    auto decision = guard->on_request(exchange);
    EXPECT_TRUE(decision.ready());
    return {decision.value(), exchange.principal, exchange.session_state.status,
            std::string(exchange.limit_state.tier)};
  }
  Call call(const std::string& agent = "Browser/1", const char* address = "203.0.113.7") {
    return call(store_, agent, address);
  }
  void look() { reader_.claim->is_message = false; }
  void send() { reader_.claim->is_message = true; }

  identity::SessionTokens tokens_{{std::string(48, 'k')}};
  FixedClaim reader_;
};

TEST_F(ClaimGuardTest, MakesASessionOfAClaimThatDependsOnSiteIdNetworkAndBrowser) {
  const auto id = [&](const Call& made) { return made.principal.session->id; };
  const auto first = call();
  ASSERT_TRUE(first.passed());
  EXPECT_EQ(first.principal.kind, http::Principal::Kind::session);
  EXPECT_EQ(id(call()), id(first));
  EXPECT_NE(id(call("Browser/2")), id(first));
  EXPECT_NE(id(call("Browser/1", "203.0.113.8")), id(first));
  site_.id = "shop";
  EXPECT_NE(id(call()), id(first));
  site_.id = "default";
  reader_.claim->id = "id-2";
  EXPECT_NE(id(call()), id(first));
}

TEST_F(ClaimGuardTest, TellsOwnersFromOthers) {
  look();
  EXPECT_EQ(call().status, Status::silent);
  EXPECT_EQ(store_.figures().claimed_sessions, 0U);
  send();
  EXPECT_EQ(call().status, Status::silent);
  EXPECT_EQ(store_.figures().silent_sessions, 1U) << "counted as a session";
  look();
  EXPECT_EQ(call().status, Status::live);
  EXPECT_EQ(call("Browser/2").status, Status::foreign);
  EXPECT_EQ(store_.figures().silent_sessions, 1U);
  send();
  EXPECT_EQ(call("Browser/2").status, Status::foreign);
  EXPECT_EQ(store_.figures().silent_sessions, 2U);
  look();
  EXPECT_EQ(call("Browser/2").status, Status::live);
}

TEST_F(ClaimGuardTest, ChargesMessagesToTheirSession) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(call().passed());
  const auto refused = call();
  ASSERT_FALSE(refused.passed());
  EXPECT_EQ(refused.verdict->problem.code, http::Code::rate_limited);
  EXPECT_EQ(refused.tier, "session-minute");
  auto& limited = metrics_.counter("portcullis_rate_limited_total");
  EXPECT_EQ(limited.value(limited.cell({"session-minute"})), 1U);
  look();
  EXPECT_TRUE(call().passed()) << "no message";
  send();
  reader_.claim->id = "id-2";
  EXPECT_TRUE(call().passed()) << "another session";
}

TEST_F(ClaimGuardTest, ASessionHasSoManyMessagesUnderWay) {
  site_.limits.in_flight_session = 0;
  const auto refused = call();
  ASSERT_FALSE(refused.passed());
  EXPECT_EQ(refused.verdict->incident.code, "RATE_004");
  EXPECT_EQ(store_.figures().limiter_keys, 0U) << "nothing was charged";
  look();
  EXPECT_TRUE(call().passed()) << "no message";
}

TEST_F(ClaimGuardTest, RefusesASessionThatCannotBeHeld) {
  state::MemoryStoreOptions options;
  options.max_sessions = 1;
  state::MemoryStore full(options, clock_);
  state::NewMessage message;
  message.message.id = "m";
  (void)full.begin_message(message);
  const auto refused = call(full);
  ASSERT_TRUE(refused.verdict);
  EXPECT_EQ(refused.verdict->problem.code, http::Code::session_limit);
}

TEST_F(ClaimGuardTest, AStoreThatFailsIsAnErrorAndNoVerdict) {
  state::SimulatedStore failing(
      std::make_unique<state::MemoryStore>(state::MemoryStoreOptions{}, clock_),
      state::SimulatedStore::Behaviour::failing);
  const auto failed = call(failing);
  ASSERT_FALSE(failed.verdict);
  EXPECT_EQ(failed.verdict.error().code, ErrorCode::unavailable);
}

TEST_F(ClaimGuardTest, LeavesOtherRoutesAndBodiesWithoutAClaimAlone) {
  reader_.claim.reset();
  EXPECT_TRUE(call().passed());
  EXPECT_FALSE(call().principal.session);
  route_.claims = nullptr;
  reader_.claim = pipeline::ClaimedSession{"id-1", true};
  EXPECT_FALSE(call().principal.session);
}

}  // namespace
}  // namespace portcullis::guards

#include "guards/rate/rate_guard.hpp"

#include <string>

#include "base/text.hpp"
#include "guards/rate/failed_logins.hpp"
#include "http/memory_exchange.hpp"
#include "identity/revocations.hpp"
#include "identity/session_keys.hpp"
#include "limited_guard_fixture.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"
#include "state/memory_store.hpp"
#include "state/simulated_store.hpp"

namespace portcullis::guards {
namespace {

using identity::SessionKeys;
using pipeline::RouteClass;
using pipeline::Verdict;

class RateGuardTest : public LimitedGuardFixture {
 protected:
  void SetUp() override {
    route_.cls = RouteClass::chat;
    guard_ = make_rate_guard(settings_, parts_);
  }
  struct Call {
    Verdict verdict;
    http::LimitState limit;
    http::SessionState session;
    bool passed() const { return verdict.kind == Verdict::Kind::pass; }
  };
  Call call(const char* address = "203.0.113.7",
            const std::optional<http::SessionClaims>& session = std::nullopt) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address);
    exchange.principal.session = session;
    auto decision = guard_->on_request(exchange);
    Verdict verdict;
    spawn(take(decision, verdict));  // the store in memory lets nobody wait
    return {verdict, exchange.limit_state, exchange.session_state};
  }
  static Task<void> take(pipeline::Decision& decision, Verdict& out) {
    auto result = co_await decision;
    EXPECT_TRUE(result) << result.error().detail;
    if (result) out = *std::move(result);
  }
  http::SessionClaims session(std::uint8_t number = 1) {
    http::SessionClaims claims;
    claims.id[0] = number;
    claims.created = clock_.wall();
    claims.expires = clock_.wall() + settings_.session_life;
    return claims;
  }
  int admitted(int calls, const char* address = "203.0.113.7") {
    int out = 0;
    for (int i = 0; i < calls; ++i) out += call(address).passed() ? 1 : 0;
    return out;
  }
  std::uint64_t limited(const std::string& tier) {
    auto& family = metrics_.counter("portcullis_rate_limited_total");
    return family.value(family.cell({tier}));
  }

  std::unique_ptr<pipeline::Guard> guard_;
};

TEST_F(RateGuardTest, AnAddressHasSixtyChatRequestsAMinute) {
  PROVES("F002,F011");
  EXPECT_EQ(admitted(100), 60);
  const auto refused = call();
  EXPECT_EQ(refused.verdict.problem.code, http::Code::rate_limited);
  EXPECT_EQ(refused.limit.tier, "address-minute");
  EXPECT_EQ(refused.limit.limit, 60);
  EXPECT_EQ(refused.limit.remaining, 0);
  EXPECT_EQ(refused.limit.window_seconds, 60);
  ASSERT_TRUE(refused.verdict.problem.retry_after);
  EXPECT_EQ(*refused.verdict.problem.retry_after, refused.limit.reset_seconds);
  EXPECT_EQ(limited("address-minute"), 41U);
  EXPECT_TRUE(call("203.0.113.8").passed()) << "another address";
  clock_.advance(Seconds{*refused.verdict.problem.retry_after});
  EXPECT_TRUE(call().passed());
}

TEST_F(RateGuardTest, AnAddressHasAThousandChatRequestsAnHour) {
  PROVES("F003");
  int sum = 0;
  for (int minute = 0; minute < 30; ++minute) {
    sum += admitted(60);
    clock_.advance(Seconds{66});
  }
  EXPECT_EQ(sum, 1000);
  EXPECT_EQ(call().limit.tier, "address-hour");
}

TEST_F(RateGuardTest, ASessionHasThirtyMessagesAMinuteWhereverItComesFrom) {
  PROVES("F004,F031");
  route_.is_message = true;
  int sum = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string address = "203.0.113." + std::to_string(i % 5);
    sum += call(address.c_str(), session()).passed() ? 1 : 0;
  }
  EXPECT_EQ(sum, 30);
  EXPECT_EQ(call("203.0.113.99", session()).limit.tier, "session-minute");
  EXPECT_TRUE(call("203.0.113.99", session(2)).passed());
  route_.is_message = false;
  EXPECT_TRUE(call("203.0.113.99", session()).passed()) << "not a message";
}

TEST_F(RateGuardTest, ASiteHasAThousandAMinuteFromEverybodyTogether) {
  PROVES("F005");
  int sum = 0;
  for (int i = 0; i < 1200; ++i) {
    const std::string address = "198.51." + std::to_string(i / 200) + "." + std::to_string(i % 200);
    sum += call(address.c_str()).passed() ? 1 : 0;
  }
  EXPECT_EQ(sum, 1000);
  EXPECT_EQ(call().limit.tier, "site-minute");
  EXPECT_EQ(limited("site-minute"), 201U);
}

TEST_F(RateGuardTest, OneRefusedAddressDoesNotEmptyTheSite) {
  PROVES("F005");
  admitted(5000);
  site_.limits.site_minute = 1000;
  int sum = 0;
  for (int i = 0; i < 940; ++i) {
    const std::string address = "198.51." + std::to_string(i / 200) + "." + std::to_string(i % 200);
    sum += call(address.c_str()).passed() ? 1 : 0;
  }
  EXPECT_EQ(sum, 940);
}

TEST_F(RateGuardTest, Ipv6CountsBySlash64) {
  EXPECT_EQ(admitted(40, "2001:db8::1"), 40);
  EXPECT_EQ(admitted(40, "2001:db8::2"), 20);
  EXPECT_EQ(admitted(40, "2001:db8:0:1::1"), 40);
}

TEST_F(RateGuardTest, ApiRoutesHaveAWindowOfTheirOwn) {
  PROVES("F131,F143");
  settings_.limit_api_address_minute = 100;
  guard_ = make_rate_guard(settings_, parts_);
  route_.cls = RouteClass::api;
  EXPECT_EQ(admitted(100), 100);
  route_.cls = RouteClass::chat;
  EXPECT_TRUE(call().passed());
  route_.cls = RouteClass::api;
  EXPECT_EQ(admitted(50), 0);
}

TEST_F(RateGuardTest, LightRoutesCostNothingButHaveACeilingAndShowItOnlyThere) {
  route_.cls = RouteClass::light;
  const auto first = call();
  EXPECT_TRUE(first.passed());
  EXPECT_EQ(first.limit.tier, "");
  EXPECT_EQ(admitted(20'000), 10'000 - 1) << "ten times the larger limit of development";
  EXPECT_EQ(call().limit.tier, "light-minute");
  route_.cls = RouteClass::chat;
  EXPECT_EQ(admitted(100), 60) << "nothing was taken from the chat tiers";
}

TEST_F(RateGuardTest, ProbesAreNotLimited) {
  route_.cls = RouteClass::probe;
  EXPECT_EQ(admitted(5000), 5000);
  EXPECT_EQ(store_.figures().limiter_keys, 0U);
}

TEST_F(RateGuardTest, TellsHowTheSessionStands) {
  using Status = http::SessionState::Status;
  auto claims = session();
  EXPECT_EQ(call("203.0.113.7", claims).session.status, Status::silent);
  clock_.advance(settings_.session_idle + Seconds{1});
  EXPECT_EQ(call("203.0.113.7", claims).session.status, Status::expired)
      << "a session without a message is idle since its creation";
  claims = session(2);
  state::NewMessage message;
  message.session = claims.id;
  message.session_created = claims.created;
  message.message.id = "m";
  (void)store_.begin_message(message);
  EXPECT_EQ(call("203.0.113.7", claims).session.status, Status::live);
  EXPECT_EQ(call("203.0.113.7", claims).session.message_count, 1U);
  (void)store_.end_session(message.session, claims.created);
  EXPECT_EQ(call("203.0.113.7", claims).session.status, Status::ended);
  claims = session(3);
  claims.expires = clock_.wall();
  EXPECT_EQ(call("203.0.113.7", claims).session.status, Status::expired);
}

TEST_F(RateGuardTest, AStoreThatFailsIsAnErrorAndNoVerdict) {
  PROVES("F065");
  state::SimulatedStore failing(
      std::make_unique<state::MemoryStore>(state::MemoryStoreOptions{}, clock_),
      state::SimulatedStore::Behaviour::failing);
  const auto guard =
      make_rate_guard(settings_, {failing, blocks_, in_flight_, metrics_, "a secret of this test"});
  http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.route = &route_;
  exchange.site = &site_;
  auto decision = guard->on_request(exchange);
  ASSERT_TRUE(decision.ready());
  ASSERT_FALSE(decision.value().has_value());
  EXPECT_EQ(decision.value().error().code, ErrorCode::unavailable);
  EXPECT_EQ(exchange.limit_state.tier, "");
}

TEST_F(RateGuardTest, WhoDoesNotStopAtTheLimitIsPaced) {
  PROVES("F139,F140");
  EXPECT_EQ(admitted(70), 60);
  clock_.advance(Seconds{66});  // the window has room again, and the pace admits its burst
  EXPECT_EQ(admitted(40), 20) << "stage 2: ten refusals";
  clock_.advance(Seconds{10});
  EXPECT_EQ(admitted(3, "203.0.113.8"), 3) << "nobody else is paced";
  EXPECT_EQ(admitted(10), 5) << "one in two seconds";
}

TEST_F(RateGuardTest, WhoGoesOnFarBeyondTheLimitIsBlockedForATime) {
  PROVES("F133,F138");
  EXPECT_EQ(admitted(61), 60);
  EXPECT_EQ(admitted(49), 0);
  EXPECT_FALSE(blocks_.find(*IpAddress::parse("203.0.113.7")));
  const auto last = call();
  EXPECT_EQ(last.verdict.problem.code, http::Code::address_blocked);
  EXPECT_EQ(last.verdict.problem.retry_after, 900);
  EXPECT_EQ(last.verdict.incident.code, "RATE_001");
  EXPECT_EQ(last.verdict.incident.level, audit::ThreatLevel::high);
  EXPECT_TRUE(blocks_.find(*IpAddress::parse("203.0.113.7")));
  EXPECT_FALSE(blocks_.find(*IpAddress::parse("203.0.113.8")));
}

TEST_F(RateGuardTest, TheLengthOfTheFirstBlockIsASetting) {
  PROVES("F134");
  settings_.first_block = Seconds{120};
  guard_ = make_rate_guard(settings_, parts_);
  admitted(120);
  const auto block = blocks_.find(*IpAddress::parse("203.0.113.7"));
  ASSERT_TRUE(block);
  EXPECT_EQ(block->until - block->since, Seconds{120});
}

TEST_F(RateGuardTest, SomeAreLimitedButNeverBlocked) {
  PROVES("F142");
  settings_.never_blocked = {*Cidr::parse("203.0.113.0/24")};
  guard_ = make_rate_guard(settings_, parts_);
  EXPECT_EQ(admitted(200), 60);
  EXPECT_EQ(call().verdict.problem.code, http::Code::rate_limited);
  settings_.never_blocked.clear();
  settings_.automatic_blocks = false;
  guard_ = make_rate_guard(settings_, parts_);
  EXPECT_EQ(admitted(200, "198.51.100.1"), 60);
  EXPECT_EQ(blocks_.size(), 0U);
}

TEST_F(RateGuardTest, AProxyThatSomebodyForgotToConfigureIsNotBlocked) {
  const auto hammer = [&](const char* peer, bool forwards) {
    for (int i = 0; i < 200; ++i) {
      http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
      exchange.route = &route_;
      exchange.site = &site_;
      exchange.client.peer = exchange.client.address = *IpAddress::parse(peer);
      exchange.client.forwarded_by_stranger = forwards;
      EXPECT_TRUE(guard_->on_request(exchange).ready());
    }
    return blocks_.find(*IpAddress::parse(peer)).has_value();
  };
  EXPECT_FALSE(hammer("10.0.0.1", true));
  EXPECT_TRUE(hammer("10.0.0.2", false));
  EXPECT_TRUE(hammer("203.0.113.9", true)) << "no stranger buys himself out with a header";
}

TEST_F(RateGuardTest, SoManyRequestsOfAnAddressAreAnsweredAtATime) {
  site_.limits.in_flight_address = 2;
  std::vector<std::unique_ptr<http::MemoryExchange>> under_way;
  const auto begin = [&](const char* address, const http::SessionClaims* session = nullptr) {
    auto exchange =
        std::make_unique<http::MemoryExchange>(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange->route = &route_;
    exchange->site = &site_;
    exchange->client.address = *IpAddress::parse(address);
    if (session != nullptr) exchange->principal.session = *session;
    auto verdict = *guard_->on_request(*exchange).value();
    under_way.push_back(std::move(exchange));
    return verdict;
  };
  EXPECT_EQ(begin("203.0.113.7").kind, Verdict::Kind::pass);
  EXPECT_EQ(begin("203.0.113.7").kind, Verdict::Kind::pass);
  const auto refused = begin("203.0.113.7");
  EXPECT_EQ(refused.problem.code, http::Code::rate_limited);
  EXPECT_EQ(refused.problem.retry_after, 1);
  EXPECT_EQ(refused.incident.code, "RATE_004");
  EXPECT_EQ(limited("address-in-flight"), 1U);
  EXPECT_EQ(begin("203.0.113.8").kind, Verdict::Kind::pass) << "another address";
  under_way.clear();
  EXPECT_EQ(call().limit.remaining, 60 - 3) << "the refused one took no unit";

  const auto speaker = session();
  site_.limits.in_flight_session = 1;
  EXPECT_EQ(begin("203.0.113.20", &speaker).kind, Verdict::Kind::pass);
  EXPECT_EQ(begin("203.0.113.21", &speaker).kind, Verdict::Kind::refuse);
  EXPECT_EQ(limited("session-in-flight"), 1U);
  site_.limits.in_flight_site = 1;
  EXPECT_EQ(begin("203.0.113.22").kind, Verdict::Kind::refuse);
  EXPECT_EQ(limited("site-in-flight"), 1U);
  site_.limits.in_flight_site = 2000;
  site_.limits.in_flight_address = 1;
  for (int i = 0; i < settings_.limit_network_factor; ++i) {
    const std::string address = "2001:db8:7:" + std::to_string(i) + "::1";
    EXPECT_EQ(begin(address.c_str()).kind, Verdict::Kind::pass) << address;
  }
  EXPECT_EQ(begin("2001:db8:7:ff::1").kind, Verdict::Kind::refuse) << "of the same /48";
  EXPECT_EQ(limited("network-in-flight"), 1U);
  EXPECT_EQ(begin("2001:db8:8::1").kind, Verdict::Kind::pass);
  site_.limits.in_flight_site = 1;
  route_.subscription = true;
  EXPECT_EQ(begin("203.0.113.22").kind, Verdict::Kind::pass) << "streams have caps of their own";
}

TEST_F(RateGuardTest, AStreamThatAMessageOpensIsARequestUnderWay) {
  route_.subscription = true;
  route_.is_message = true;
  route_.message_member = "message";
  site_.limits.in_flight_address = 1;
  std::vector<std::unique_ptr<http::MemoryExchange>> under_way;
  const auto begin = [&](const char* target) {
    auto exchange = std::make_unique<http::MemoryExchange>(
        worker_, "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange->route = &route_;
    exchange->site = &site_;
    exchange->client.address = *IpAddress::parse("203.0.113.7");
    auto verdict = *guard_->on_request(*exchange).value();
    under_way.push_back(std::move(exchange));
    return verdict.kind;
  };
  EXPECT_EQ(begin("/stream"), Verdict::Kind::pass);
  EXPECT_EQ(begin("/stream?message=a"), Verdict::Kind::pass) << "the stream took no place";
  EXPECT_EQ(begin("/stream?message=b"), Verdict::Kind::refuse);
  EXPECT_EQ(begin("/stream?message=%zz"), Verdict::Kind::refuse) << "malformed, but there";
  EXPECT_EQ(begin("/stream"), Verdict::Kind::pass);
}

TEST_F(RateGuardTest, ASpentSiteKeepsAReserveForConversations) {
  PROVES("F005");
  site_.limits.site_minute = 8;
  auto speaker = session(1);
  state::NewMessage message;
  message.session = speaker.id;
  message.session_created = speaker.created;
  message.session_expires = speaker.expires;
  message.message.id = "m";
  (void)store_.begin_message(message);
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(call(("203.0.113." + std::to_string(i)).c_str()).passed());
  }
  const auto refused = call("203.0.113.20");
  EXPECT_EQ(refused.verdict.problem.code, http::Code::rate_limited) << "no page, no challenge";
  EXPECT_EQ(refused.limit.tier, "site-minute");
  EXPECT_FALSE(call("203.0.113.21", session(2)).passed()) << "it has said nothing yet";
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(call("203.0.113.22", speaker).passed()) << i;
  const auto spent = call("203.0.113.22", speaker);
  EXPECT_FALSE(spent.passed()) << "half of the limit, and no more";
  EXPECT_EQ(spent.limit.tier, "site-reserve");

  clock_.advance(Seconds{120});
  route_.kind = pipeline::RouteKind::browser;
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(call(("203.0.113." + std::to_string(i)).c_str()).passed());
  }
  const auto challenged = call("203.0.113.20");
  EXPECT_EQ(challenged.verdict.kind, Verdict::Kind::challenge);
  EXPECT_NE(challenged.verdict.problem.members.find("max_number"), std::string::npos);
  EXPECT_TRUE(call("203.0.113.22", speaker).passed()) << "who speaks is asked for nothing";
}

TEST_F(RateGuardTest, WhoBehavedBadlyHasHalfOfItsLimits) {
  PROVES("F006");
  http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.client.address = *IpAddress::parse("203.0.113.7");
  const auto key = Caller::of(exchange).subject.key;
  (void)store_.note(key, -10);
  EXPECT_EQ(call().limit.limit, 60) << "not below -10";
  (void)store_.note(key, -5);
  EXPECT_EQ(call().limit.limit, 30);
  EXPECT_EQ(admitted(60), 28) << "two of thirty are taken";
  EXPECT_EQ(call("203.0.113.8").limit.limit, 60) << "another address";
  clock_.advance(Seconds{3 * 3600});
  EXPECT_EQ(call().limit.limit, 60) << "forgotten by halves";
}

TEST_F(RateGuardTest, APageThatMisusesItsVisitorsGetsNoneOfThemBlocked) {
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    http::MemoryExchange exchange(
        worker_, "GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    const auto verdict = *guard_->on_request(exchange).value();
    refused += verdict.problem.code == http::Code::rate_limited ? 1 : 0;
  }
  EXPECT_EQ(refused, 240);
  EXPECT_EQ(blocks_.size(), 0U);
}

TEST_F(RateGuardTest, AVerifiedUserOrKeyIsChargedToItself) {
  PROVES("F132,F141");
  route_.cls = RouteClass::api;
  const auto admitted_as = [&](http::Principal::Kind kind, const char* id, int calls,
                               const char* address) {
    int out = 0;
    for (int i = 0; i < calls; ++i) {
      http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      exchange.route = &route_;
      exchange.site = &site_;
      exchange.client.address = *IpAddress::parse(address);
      exchange.principal.kind = kind;
      exchange.principal.id = id;
      out += guard_->on_request(exchange).value()->kind == Verdict::Kind::pass ? 1 : 0;
    }
    return out;
  };
  using Kind = http::Principal::Kind;
  EXPECT_EQ(admitted_as(Kind::user, "ann", 700, "203.0.113.7"), 700);
  EXPECT_EQ(admitted_as(Kind::user, "ann", 700, "203.0.113.8"), 300) << "wherever she comes from";
  EXPECT_EQ(admitted_as(Kind::user, "bob", 10, "203.0.113.7"), 10);
  EXPECT_EQ(admitted_as(Kind::api_key, "ann", 5100, "203.0.113.7"), 5000);
  EXPECT_EQ(call().limit.tier, "api-minute");
  EXPECT_EQ(call().limit.remaining, settings_.limit_api_address_minute - 2)
      << "nothing was taken from the address";
  EXPECT_EQ(blocks_.size(), 0U) << "a verified user is paced, never blocked";
}

TEST_F(RateGuardTest, ManagementAndLoginsAndKeysHaveLimitsOfTheirOwn) {
  const auto tier_of = [&](RouteClass cls, http::Principal::Kind kind, std::uint32_t own = 0) {
    route_.cls = cls;
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    exchange.principal.kind = kind;
    exchange.principal.id = kind == http::Principal::Kind::anonymous ? "" : "ann";
    exchange.principal.requests_per_minute = own;
    EXPECT_EQ(guard_->on_request(exchange).value()->kind, Verdict::Kind::pass);
    return std::string(exchange.limit_state.tier) + ' ' +
           std::to_string(exchange.limit_state.limit);
  };
  using Kind = http::Principal::Kind;
  EXPECT_EQ(tier_of(RouteClass::admin, Kind::user), "admin-minute 300");
  EXPECT_EQ(tier_of(RouteClass::admin, Kind::anonymous), "api-minute 1000");
  EXPECT_EQ(tier_of(RouteClass::auth, Kind::anonymous), "login-minute 60");
  EXPECT_EQ(tier_of(RouteClass::api, Kind::api_key), "key-minute 5000");
  EXPECT_EQ(tier_of(RouteClass::api, Kind::api_key, 7), "key-minute 7");
}

TEST_F(RateGuardTest, ARevokedTokenLeavesItsCallerAnonymous) {
  using identity::RevocableKind;
  route_.cls = RouteClass::api;
  const auto is_user = [&] {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    auto& who = exchange.principal;
    who.kind = http::Principal::Kind::user;
    who.id = "ann";
    who.login = "login";
    who.token_id = "token";
    who.grants = {{http::Role::admin, "*"}};
    who.issued = clock_.wall();
    EXPECT_EQ(guard_->on_request(exchange).value()->kind, Verdict::Kind::pass);
    if (who.is_verified()) return true;
    EXPECT_TRUE(who.credential_rejected && who.id.empty() && who.grants.empty());
    EXPECT_FALSE(who.failed_login) << "it was good once";
    return false;
  };
  for (const auto cls : {RouteClass::api, RouteClass::light, RouteClass::probe}) {
    route_.cls = cls;
    EXPECT_TRUE(is_user());
  }
  for (const auto& revoked : {identity::revoked_user("ann", clock_.wall() + Seconds{1}),
                              identity::revoked_id(RevocableKind::login, "login", clock_.wall()),
                              identity::revoked_id(RevocableKind::token, "token", clock_.wall())}) {
    (void)store_.revoke(identity::revocation_of(revoked));
    for (const auto cls : {RouteClass::api, RouteClass::light, RouteClass::probe}) {
      route_.cls = cls;
      EXPECT_FALSE(is_user());
    }
    clock_.advance(Seconds{1});
    route_.cls = RouteClass::api;
    EXPECT_EQ(is_user(), revoked.kind == RevocableKind::user)
        << "a user is issued another one, and no id is used again";
  }
}

TEST_F(RateGuardTest, TellsWhetherASessionWasRevokedForWhoPresentsIt) {
  auto claims = session();
  claims.owner = http::Presenter{.network = 1, .fingerprint = {2, 3}};
  auto kind = http::Principal::Kind::session;
  const auto look = [&](std::optional<http::Presenter> presenter) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.principal.session = claims;
    exchange.presenter = presenter;
    exchange.principal.kind = kind;
    (void)guard_->on_request(exchange);
    return exchange.session_state.revoked;
  };
  using Revoked = http::SessionState::Revoked;
  EXPECT_EQ(look(std::nullopt), Revoked::unknown) << "a token of an older release";
  EXPECT_EQ(look(claims.owner), Revoked::no);
  const http::Presenter thief{.network = 9, .fingerprint = {2, 3}};
  const auto until = clock_.wall() + Seconds{60};
  (void)store_.revoke({SessionKeys(claims, thief).shut_out(), until, until});
  EXPECT_EQ(look(thief), Revoked::yes);
  EXPECT_EQ(look(claims.owner), Revoked::no);
  kind = http::Principal::Kind::user;
  EXPECT_EQ(look(thief), Revoked::unasked);
  kind = http::Principal::Kind::session;
  route_.is_message = true;
  for (int i = 0; i < 40; ++i) EXPECT_EQ(look(thief), Revoked::yes);
  EXPECT_TRUE(call("203.0.113.7", claims).passed()) << "it is not the owner who pays for that";
  clock_.advance(Seconds{61});
  EXPECT_EQ(look(thief), Revoked::no);
}

TEST_F(RateGuardTest, AsksWhetherTheSessionsOfItsUserWereEnded) {
  http::SessionClaims claims = session();
  claims.user = "ann";
  claims.site = "default";
  claims.issued = clock_.wall();
  const auto revoked = [&] {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.principal.session = claims;
    exchange.presenter.emplace();
    auto decision = guard_->on_request(exchange);
    Verdict verdict;
    spawn(take(decision, verdict));
    return exchange.session_state.revoked;
  };
  EXPECT_EQ(revoked(), http::SessionState::Revoked::no);
  const WallTime until = clock_.wall() + Seconds{3600};
  EXPECT_TRUE(store_.revoke({identity::visitor_key("default", "ann"), until, until}).value());
  EXPECT_EQ(revoked(), http::SessionState::Revoked::yes);
  claims.user = "bob";
  EXPECT_EQ(revoked(), http::SessionState::Revoked::no);
}

TEST_F(RateGuardTest, ARevokedTokenIsChargedToWhoShowsItAndNotToItsUser) {
  route_.cls = RouteClass::api;
  (void)store_.revoke(identity::revocation_of(
      identity::revoked_id(identity::RevocableKind::token, "stolen", clock_.wall())));
  const auto show = [&](const char* token) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    exchange.principal.kind = http::Principal::Kind::user;
    exchange.principal.id = "ann";
    exchange.principal.token_id = token;
    EXPECT_EQ(guard_->on_request(exchange).value()->kind, Verdict::Kind::pass);
    return std::string(exchange.limit_state.tier) + ' ' +
           std::to_string(exchange.limit_state.remaining);
  };
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(show("stolen"), "api-minute " + std::to_string(1000 - i));
  EXPECT_EQ(show("her own"), "user-minute 999");
}

TEST_F(RateGuardTest, SoManyLoginsOfAnAddressAtATime) {
  route_.cls = RouteClass::auth;
  std::vector<std::unique_ptr<http::MemoryExchange>> under_way;
  const auto enter = [&](const char* address) {
    auto& exchange = *under_way.emplace_back(
        std::make_unique<http::MemoryExchange>(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"));
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address);
    return guard_->on_request(exchange).value()->kind == Verdict::Kind::pass;
  };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(enter("203.0.113.7"));
  EXPECT_FALSE(enter("203.0.113.7"));
  EXPECT_TRUE(enter("203.0.113.8"));
  under_way.clear();
  EXPECT_TRUE(enter("203.0.113.7"));
}

TEST_F(RateGuardTest, TheFifthFailedLoginBlocksItsAddressAsWell) {
  PROVES("F195");
  const FailedLogins logins(settings_, parts_);
  const auto fail = [&](const std::string& address) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address);
    std::optional<Verdict> out;
    spawn([](Task<std::optional<Verdict>> task, std::optional<Verdict>& result) -> Task<void> {
      result = co_await task;
    }(logins.failed(exchange), out));
    return out;
  };
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail("203.0.113.7"));
  const auto fifth = fail("203.0.113.7");
  ASSERT_TRUE(fifth);
  EXPECT_EQ(fifth->problem.code, http::Code::address_blocked);
  EXPECT_EQ(fifth->incident.code, "AUTH_001");
  EXPECT_TRUE(blocks_.find(*IpAddress::parse("203.0.113.7")));
  EXPECT_FALSE(fail("203.0.113.8"));
}

TEST_F(RateGuardTest, TheFifthFailedAuthenticationBlocksItsAddress) {
  PROVES("F195");
  route_.cls = RouteClass::api;
  route_.cost = 3;  // of the limits; a failure is a failure
  const auto fail = [&](const char* address, const char* fields = "") {
    http::MemoryExchange exchange(worker_,
                                  "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address);
    exchange.principal.credential_rejected = exchange.principal.failed_login = true;
    return *guard_->on_request(exchange).value();
  };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(fail("203.0.113.7").kind, Verdict::Kind::pass) << i;
  EXPECT_TRUE(call("203.0.113.7").passed()) << "who presents nothing fails at nothing";
  const auto fifth = fail("203.0.113.7");
  EXPECT_EQ(fifth.problem.code, http::Code::address_blocked);
  EXPECT_EQ(fifth.problem.retry_after, 900);
  EXPECT_EQ(fifth.incident.code, "AUTH_001");
  EXPECT_EQ(fifth.incident.type, audit::EventType::authentication);
  const auto block = blocks_.find(*IpAddress::parse("203.0.113.7"));
  ASSERT_TRUE(block);
  EXPECT_EQ(block->reason, "5 failed authentications");

  for (int i = 0; i < 4; ++i) fail("203.0.113.8");
  clock_.advance(Seconds{17 * 60});
  EXPECT_EQ(fail("203.0.113.8").kind, Verdict::Kind::pass) << "a quarter of an hour later";

  for (int i = 0; i < 9; ++i) fail("203.0.113.9", "Sec-Fetch-Site: cross-site\r\n");
  EXPECT_FALSE(blocks_.find(*IpAddress::parse("203.0.113.9"))) << "a hostile page's visitor";

  settings_.automatic_blocks = false;
  guard_ = make_rate_guard(settings_, parts_);
  for (int i = 0; i < 4; ++i) fail("203.0.113.10");
  EXPECT_EQ(fail("203.0.113.10").problem.code, http::Code::rate_limited);
  EXPECT_EQ(limited("auth-failures"), 2U);
}

TEST_F(RateGuardTest, RotatingOverTheNetworksOfAnIpv6SiteGainsLittle) {
  PROVES("F002");
  const auto admitted_over = [&](const char* prefix, int networks) {
    int out = 0;
    for (int i = 0; i < networks; ++i) {
      for (int k = 0; k < 10; ++k) {
        const auto address = std::string(prefix) + text::hex(std::string(1, static_cast<char>(i))) +
                             "::" + std::to_string(k);
        out += call(address.c_str()).passed() ? 1 : 0;
      }
    }
    return out;
  };
  settings_.limit_network_factor = 3;
  site_.limits.site_minute = 100'000;
  guard_ = make_rate_guard(settings_, parts_);
  EXPECT_EQ(admitted_over("2001:db8:1:", 100), 180) << "three times what one has";
  EXPECT_EQ(limited("network-minute"), 820U);
  EXPECT_EQ(admitted_over("2001:db8:2:", 10), 100) << "another /48";
  EXPECT_EQ(blocks_.size(), 0U) << "nobody is blocked for the others of a network";
  EXPECT_EQ(admitted(60, "203.0.113.7"), 60) << "IPv4 has no such window";
}

/// Who prepares sessions and has the address blocked on purpose gains nothing by it.
TEST_F(RateGuardTest, AllSessionsBehindABlockHaveTogetherWhatTheirAddressHad) {
  PROVES("F002");
  route_.session = pipeline::SessionNeed::required;
  route_.is_message = true;
  const auto send = [&](std::uint8_t number, WallTime blocked_since) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    exchange.client.blocked_since = blocked_since;
    exchange.principal.session = session(number);
    exchange.principal.session->created = clock_.wall() - Seconds{60};
    return guard_->on_request(exchange).value()->kind == Verdict::Kind::pass;
  };
  int passed = 0;
  for (std::uint8_t number = 1; number <= 40; ++number) {
    for (int i = 0; i < 10; ++i) passed += send(number, clock_.wall()) ? 1 : 0;
  }
  EXPECT_EQ(passed, 60);
  EXPECT_GT(limited("blocked-minute"), 300U);
  EXPECT_EQ(call("203.0.113.9").limit.remaining, 59);

  clock_.advance(Seconds{120});
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(send(41, clock_.wall() - Seconds{90}));
  EXPECT_TRUE(send(1, clock_.wall())) << "younger than the block: refused further on, and it took "
                                         "nothing of what the others share";
}

TEST_F(RateGuardTest, AnotherLengthOfTheWindowOfFailedLoginsIsAnotherWindow) {
  route_.cls = RouteClass::api;
  const auto fail_once = [&] {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse("203.0.113.7");
    exchange.principal.failed_login = true;
    return guard_->on_request(exchange).value()->kind;
  };
  settings_.auth_failures = 3;
  settings_.auth_failure_window = Seconds{12};
  guard_ = make_rate_guard(settings_, parts_);
  clock_.advance(Seconds{1'000'000});
  EXPECT_EQ(fail_once(), Verdict::Kind::pass);
  EXPECT_EQ(fail_once(), Verdict::Kind::pass);
  settings_.auth_failure_window = Seconds{24};
  guard_ = make_rate_guard(settings_, parts_);
  clock_.advance(Seconds{30});
  EXPECT_EQ(fail_once(), Verdict::Kind::pass);
  EXPECT_EQ(blocks_.size(), 0U);
}

TEST_F(RateGuardTest, OnlyWhatAPageCanMakeABrowserSendIsAnothersDoing) {
  const auto is_anothers = [&](const char* head) {
    http::MemoryExchange exchange(worker_, head);
    return is_anothers_doing(exchange);
  };
  EXPECT_TRUE(is_anothers("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n\r\n"));
  EXPECT_TRUE(is_anothers("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-site\r\n\r\n"));
  EXPECT_TRUE(
      is_anothers("POST / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n"
                  "Origin: https://evil.example\r\n\r\n"));
  EXPECT_FALSE(is_anothers("POST / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n\r\n"))
      << "a browser would have named the page";
  EXPECT_FALSE(
      is_anothers("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n"
                  "Authorization: Bearer guess\r\n\r\n"))
      << "no page sends that";
  EXPECT_FALSE(is_anothers("GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\n\r\n"));
}

TEST_F(RateGuardTest, ASessionBehindABlockedAddressTakesOnePlaceAndOneOfItsOwn) {
  route_.session = pipeline::SessionNeed::required;
  site_.limits.in_flight_session = 1;
  auto claims = session();
  claims.created -= Seconds{60};  // before the block
  const auto make = [&] {
    auto out =
        std::make_unique<http::MemoryExchange>(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    out->route = &route_;
    out->site = &site_;
    out->client.address = *IpAddress::parse("203.0.113.7");
    out->client.blocked_since = clock_.wall();
    out->principal.session = claims;
    return out;
  };
  const auto first = make();
  EXPECT_NE((*guard_->on_request(*first).value()).incident.code, "RATE_004");
  EXPECT_EQ(in_flight_.count(state::session_key(claims.id)), 1U);
  const auto second = make();
  EXPECT_EQ((*guard_->on_request(*second).value()).incident.code, "RATE_004");
}

TEST_F(RateGuardTest, ARouteMayCostMoreAndHaveAWindowOfItsOwn) {
  route_.cost = 7;
  EXPECT_EQ(admitted(20), 8) << "8 times 7 of 60";
  route_.cost = 1;
  EXPECT_EQ(call("203.0.113.8").limit.remaining, 59);
  route_.name = "dear";
  route_.address_minute = 5;
  EXPECT_EQ(admitted(20, "203.0.113.9"), 5);
  EXPECT_EQ(limited("route-minute"), 15U);
  route_.name = "other";
  EXPECT_EQ(admitted(3, "203.0.113.10"), 3) << "of each route its own";
}

TEST_F(RateGuardTest, TheSiteTierThrottlesNobody) {
  site_.limits.site_minute = 5;
  EXPECT_EQ(admitted(100), 5);
  EXPECT_EQ(blocks_.size(), 0U);
  site_.limits.site_minute = 1000;
  EXPECT_EQ(admitted(30), 30) << "as before";
}

}  // namespace
}  // namespace portcullis::guards

#include "guards/session/session_guard.hpp"

#include <algorithm>
#include <string>

#include "http/memory_exchange.hpp"
#include "identity/dpop.hpp"
#include "identity/session_keys.hpp"
#include "limited_guard_fixture.hpp"
#include "proves.hpp"
#include "state/simulated_store.hpp"
#include "work_solver.hpp"

namespace portcullis::guards {
namespace {

using audit::EventDecision;
using config::Mode;
using identity::SessionKeys;
using pipeline::Verdict;
using Revoked = http::SessionState::Revoked;
using Status = http::SessionState::Status;

class Sink final : public audit::Sink {
 public:
  void record(const audit::Event& event) override { events.push_back(event); }
  std::vector<audit::Event> events;
};

config::Settings easy_settings() {
  auto settings = default_settings();
  settings.cookie_name = "chat";
  settings.bot_challenge_steps = 10;
  settings.sites.resize(1);
  return settings;
}

constexpr const char* kHome = "203.0.113.7";
constexpr const char* kElsewhere = "198.51.100.9";
const std::string kFirefox =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\r\nAccept-Language: en\r\n";
const std::string kSafari =
    "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)\r\nAccept-Language: en\r\n";

class SessionGuardTest : public LimitedGuardFixture {
 protected:
  SessionGuardTest() : LimitedGuardFixture(easy_settings()) {
    route_.session = pipeline::SessionNeed::required;
    route_.kind = pipeline::RouteKind::browser;
    route_.cls = pipeline::RouteClass::chat;
    route_.is_message = true;
    site_.session_risk = pipeline::SessionRisk::of(settings_, {});
    session_.id[0] = 1;
    session_.site = "default";
    session_.origin = "https://www.example.com";
    session_.created = session_.issued = clock_.wall();
    session_.expires = clock_.wall() + Seconds{7 * 86'400};
    session_.owner = presenter(kHome, kFirefox);
  }
  http::Presenter presenter(const char* address, const std::string& fields) {
    http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    return tokens_.presenters().of(exchange.head(), *IpAddress::parse(address), session_);
  }

  struct Call {
    Result<Verdict> verdict;
    std::string fresh;  ///< the header with a fresh token
    bool passed() const { return verdict && verdict->kind == Verdict::Kind::pass; }
    bool challenged() const { return verdict && verdict->kind == Verdict::Kind::challenge; }
    bool refused(http::Code code) const {
      return verdict && verdict->kind == Verdict::Kind::refuse && verdict->problem.code == code;
    }
    /// What would be sent for the challenge.
    std::string solution() const { return solve_work(verdict->problem.members); }
  };
  /// A request as it comes to this guard, behind the rate guard.
  Call call(const char* address = kHome, const std::string& fields = kFirefox,
            const std::string& solution = {}) {
    std::string head = "POST / HTTP/1.1\r\nHost: a\r\n" + fields;
    if (!solution.empty()) head += "X-Challenge-Solution: " + solution + "\r\n";
    http::MemoryExchange exchange(worker_, head + "\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.origin = *Origin::parse("https://www.example.com");
    exchange.client.address = *IpAddress::parse(address);
    exchange.principal.session = session_;
    if (session_.owner) exchange.presenter = presenter(address, fields);
    exchange.session_state.use = use_;
    exchange.session_state.status = status_;
    if (exchange.presenter) {
      exchange.session_state.revoked = is_revoked(*exchange.presenter) ? Revoked::yes : Revoked::no;
    }
    Call out{Verdict{}, {}};
    if (change_) change_(exchange);
    const auto guard = make_session_guard(
        settings_, {*asked_, blocks_, in_flight_, metrics_, "a secret of this test"},
        {tokens_, reporter_, [this](const state::Key&) { ++dropped_; }});
    auto decision = guard->on_request(exchange);
    spawn(take(decision, out.verdict));
    out.fresh = exchange.fresh_token.text();
    return out;
  }
  static Task<void> take(pipeline::Decision& decision, Result<Verdict>& out) {
    out = co_await decision;
  }
  bool is_revoked(const http::Presenter& who) {
    const SessionKeys keys(session_, who);
    state::AdmitRequest look;
    look.may_be_revoked_by(keys.token());
    look.may_be_revoked_by(keys.shut_out());
    look.issued = session_.issued;
    return store_.admit(look).value()->revoked;
  }
  /// A challenge that was asked of this presenter, solved.
  Call pay(const char* address = kHome, const std::string& fields = kFirefox) {
    const auto challenged = call(address, fields);
    EXPECT_TRUE(challenged.challenged());
    return call(address, fields, challenged.solution());
  }
  std::size_t events(const std::string& code) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sink_.events, [&](const auto& e) { return e.codes[0] == code; }));
  }
  std::uint64_t counted(const std::string& outcome) {
    auto& family = metrics_.counter("portcullis_session_risk_total");
    return family.value(family.cell({outcome}));
  }
  std::uint64_t suspected(const std::string& ground) {
    auto& family = metrics_.counter("portcullis_session_suspicions_total");
    return family.value(family.cell({ground}));
  }
  void monitor_guard() {
    route_.guards[7].mode = Mode::monitor;
    ASSERT_EQ(config::kGuardNames[7], "session");
  }

  identity::SessionTokens tokens_{{std::string(48, 'k')}};
  Sink sink_;
  pipeline::Reporter reporter_{&sink_, false, [](const http::SessionClaims&) { return "handle"; }};
  http::SessionClaims session_;
  SessionUse use_;
  Status status_ = Status::live;
  std::function<void(http::Exchange&)> change_;
  state::Store* asked_ = &store_;
  int dropped_ = 0;
};

// ---- alive, and of this site and origin

TEST_F(SessionGuardTest, PassesALiveSession) {
  for (const auto status : {Status::silent, Status::live, Status::provisional}) {
    status_ = status;
    EXPECT_TRUE(call().passed());
  }
  change_ = [](http::Exchange& exchange) { exchange.origin.reset(); };
  EXPECT_TRUE(call().passed()) << "a route without Origin";
}

TEST_F(SessionGuardTest, RefusesWithoutASessionAndOneThatIsOver) {
  for (const auto status : {Status::ended, Status::expired}) {
    status_ = status;
    EXPECT_TRUE(call().refused(http::Code::session_invalid));
  }
  change_ = [](http::Exchange& exchange) { exchange.principal.session.reset(); };
  EXPECT_TRUE(call().refused(http::Code::session_invalid));
  EXPECT_EQ(call().verdict->incident.level, audit::ThreatLevel::low);
  change_ = [](http::Exchange& exchange) {
    exchange.principal.session.reset();
    exchange.principal.credential_rejected = true;
  };
  EXPECT_TRUE(call().refused(http::Code::session_invalid));
  EXPECT_EQ(call().verdict->incident.level, audit::ThreatLevel::medium) << "a forged credential";
}

TEST_F(SessionGuardTest, ASessionIsOfItsSiteAndOrigin) {
  session_.site = "shop";
  EXPECT_TRUE(call().refused(http::Code::invalid_origin));
  session_.site = "default";
  session_.origin = "https://other.example.com";
  EXPECT_TRUE(call().refused(http::Code::invalid_origin));
  EXPECT_EQ(counted("alerted"), 0U) << "a page of another shop is no thief";
}

TEST_F(SessionGuardTest, RoutesWithoutNeedPassEverybody) {
  route_.session = pipeline::SessionNeed::none;
  EXPECT_TRUE(call(kElsewhere, kSafari).passed());
  change_ = [](http::Exchange& exchange) { exchange.principal.session.reset(); };
  EXPECT_TRUE(call().passed());
}

// ---- in whose hands it is

TEST_F(SessionGuardTest, BelowTheAlertNothingHappens) {
  EXPECT_TRUE(call(kElsewhere).passed()) << "30 points: who only moves";
  EXPECT_TRUE(call(kHome, kSafari).passed()) << "30 points: another browser and platform";
  session_.rapid = true;
  EXPECT_TRUE(call().passed()) << "40 points: an office";
  EXPECT_TRUE(call(kElsewhere).passed()) << "who leaves it";
  EXPECT_TRUE(sink_.events.empty());
}

TEST_F(SessionGuardTest, AtFiftyAPresenterIsToldOfOnceAndChallenged) {
  PROVES("F027,F028,F029");
  const std::string linux = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/126\r\n";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(kElsewhere, linux).challenged());
  ASSERT_EQ(events("SES_004"), 1U);
  const auto& event = sink_.events.front();
  EXPECT_EQ(event.details.at("risk_score"), "50");
  EXPECT_EQ(event.details.at("risk_grounds"), "ip_change,user_agent_change");
  EXPECT_EQ(event.decision, EventDecision::acted);
  EXPECT_EQ(counted("alerted"), 1U);
  EXPECT_EQ(counted("challenged"), 3U);
  EXPECT_EQ(suspected("ip_change"), 1U);
  EXPECT_FALSE(call(kElsewhere, linux).verdict->problem.retry_after) << "waiting is no way round";
  EXPECT_TRUE(call().passed()) << "the owner notices nothing";
  (void)call("198.51.100.10", kSafari);
  EXPECT_EQ(events("SES_004"), 2U) << "another presenter";
}

TEST_F(SessionGuardTest, WhoSolvesTheChallengeHasAQuarterOfTheLimits) {
  EXPECT_TRUE(pay(kElsewhere, kSafari).passed());
  // A quarter of thirty messages a minute, one of which is spent.
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(call(kElsewhere, kSafari).passed()) << i;
  EXPECT_TRUE(call(kElsewhere, kSafari).refused(http::Code::rate_limited));
  EXPECT_TRUE(call().passed()) << "the owner has his own";
  clock_.advance(Seconds{66});
  EXPECT_TRUE(call(kElsewhere, kSafari).passed());
  clock_.advance(Seconds{660});
  EXPECT_TRUE(call(kElsewhere, kSafari).challenged()) << "for ten minutes";
}

TEST_F(SessionGuardTest, WhereNobodyCanBeChallengedTheQuarterHoldsAlone) {
  route_.kind = pipeline::RouteKind::token;
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(call(kElsewhere, kSafari).passed()) << i;
  EXPECT_TRUE(call(kElsewhere, kSafari).refused(http::Code::rate_limited));
  EXPECT_EQ(events("SES_004"), 1U);
}

TEST_F(SessionGuardTest, ExactlyAtTheBoundNobodyIsShutOutAndAbovePresentersAre) {
  PROVES("F030");
  site_.session_risk.deny = 60;  // what another address, browser and platform are
  EXPECT_TRUE(call(kElsewhere, kSafari).challenged());
  site_.session_risk.deny = 59;
  const auto refused = call(kElsewhere, kSafari);
  EXPECT_TRUE(refused.refused(http::Code::session_invalid));
  EXPECT_EQ(refused.verdict->incident.code, "SES_006");
  EXPECT_EQ(counted("shut_out"), 1U);
  EXPECT_EQ(dropped_, 0) << "it is not their session";

  site_.session_risk.deny = 75;
  const auto later = call(kElsewhere, kSafari);
  EXPECT_TRUE(later.refused(http::Code::session_invalid)) << "whatever his points are by now";
  EXPECT_EQ(later.verdict->incident.code, "SES_001");
  EXPECT_EQ(counted("shut_out"), 1U);
  EXPECT_TRUE(call().passed()) << "the owner goes on";
  EXPECT_TRUE(call(kElsewhere).passed()) << "another presenter";
  clock_.advance(Seconds{3601});
  EXPECT_TRUE(call(kElsewhere, kSafari).challenged()) << "an hour later";
}

TEST_F(SessionGuardTest, AThiefFromANetworkThatCreatesManySessionsIsShutOut) {
  PROVES("F030,F033");
  const auto address = *IpAddress::parse(kElsewhere);
  for (int i = 0; i < 6; ++i) (void)store_.admit(state::session_creations(address).adding());
  const auto refused = call(kElsewhere, kSafari);
  EXPECT_TRUE(refused.refused(http::Code::session_invalid));
  EXPECT_EQ(refused.verdict->incident.details.at("risk_score"), "100");
  EXPECT_TRUE(call(kElsewhere).passed()) << "who moved there with the browser";
}

TEST_F(SessionGuardTest, TheSessionEndsWhereItsOwnOwnerIsTooSuspicious) {
  PROVES("F030");
  session_.rapid = true;
  use_.owner_early = 101;
  EXPECT_TRUE(call().challenged()) << "65 points";
  clock_.advance(Seconds{48 * 3600 + 1});
  const auto refused = call();
  EXPECT_TRUE(refused.refused(http::Code::session_invalid)) << "80 points";
  EXPECT_EQ(refused.verdict->incident.code, "SES_007");
  EXPECT_EQ(dropped_, 1);
  EXPECT_EQ(counted("ended"), 1U);
}

TEST_F(SessionGuardTest, TheEndOfASessionIsKeptByTheStore) {
  site_.session_risk = {Mode::enforce, 20, 30};
  session_.rapid = true;
  (void)call();
  state::AdmitRequest look;
  look.session = state::session_key(session_.id);
  EXPECT_EQ(store_.admit(look).value()->session.status, state::SessionView::Status::ended);
}

TEST_F(SessionGuardTest, AsksItselfWhetherAPresenterWasShutOutWhereTheRateGuardDidNot) {
  site_.session_risk.deny = 59;
  EXPECT_TRUE(call(kElsewhere, kSafari).refused(http::Code::session_invalid));
  site_.session_risk.deny = 75;
  change_ = [](http::Exchange& e) { e.session_state.revoked = Revoked::unasked; };
  EXPECT_EQ(call(kElsewhere, kSafari).verdict->incident.code, "SES_001");
  EXPECT_TRUE(call().passed());
}

// ---- a fresh token

TEST_F(SessionGuardTest, AtHomeASolvedChallengeBringsAFreshToken) {
  PROVES("F038");
  session_.rapid = true;  // 40, and the browser was updated: 20
  const std::string updated =
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:129.0)\r\nAccept-Language: en\r\n";
  const auto paid = pay(kHome, updated);
  EXPECT_TRUE(paid.passed());
  EXPECT_EQ(counted("renewed"), 1U);
  ASSERT_TRUE(paid.fresh.starts_with("Set-Cookie: chat=pcs_")) << paid.fresh;
  const auto old = session_;
  const std::string token = paid.fresh.substr(17, paid.fresh.find(';') - 17);
  const auto fresh = tokens_.verify(token);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->id, old.id);
  EXPECT_EQ(fresh->created, old.created);
  EXPECT_EQ(fresh->expires, old.expires) << "no longer life";
  EXPECT_GT(fresh->issued, old.issued);
  EXPECT_FALSE(fresh->rapid);
  EXPECT_EQ(fresh->owner, presenter(kHome, updated));

  session_ = *fresh;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(call(kHome, updated).passed()) << "whole limits";
  session_ = old;
  EXPECT_TRUE(call(kHome, updated).passed()) << "what is under way";
  EXPECT_TRUE(call(kElsewhere, updated).challenged()) << "to others it is what it was";
  clock_.advance(Seconds{29});
  EXPECT_TRUE(call(kHome, updated).passed());
  clock_.advance(Seconds{4});
  EXPECT_TRUE(call(kHome, updated).refused(http::Code::session_invalid));
  EXPECT_TRUE(call(kHome, kFirefox).passed())
      << "whoever got the fresh one: he does not drive the owner out";
  session_ = *fresh;
  EXPECT_TRUE(call(kHome, updated).passed());
}

TEST_F(SessionGuardTest, AFreshTokenOfTheOwnerVoidsHisOldOne) {
  session_.rapid = true;
  use_.owner_early = 101;
  const auto paid = pay();
  ASSERT_TRUE(paid.fresh.starts_with("Set-Cookie: chat=pcs_"));
  const auto fresh = tokens_.verify(paid.fresh.substr(17, paid.fresh.find(';') - 17));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->owner, session_.owner);
  EXPECT_TRUE(call().passed()) << "what is under way";
  EXPECT_TRUE(call(kElsewhere).passed()) << "who may be the owner on another network";
  clock_.advance(Seconds{33});
  EXPECT_TRUE(call().refused(http::Code::session_invalid));
  session_ = *fresh;
  EXPECT_TRUE(call().passed()) << "25 points are left";
}

TEST_F(SessionGuardTest, AFreshTokenTravelsAsTheFirstDid) {
  session_.rapid = true;
  session_.bearer = true;
  EXPECT_TRUE(pay(kHome, kSafari).fresh.starts_with("X-Session-Token: pcs_"));
}

TEST_F(SessionGuardTest, WhoComesFromElsewhereNeverGetsAToken) {
  const auto paid = pay(kElsewhere, kSafari);
  EXPECT_TRUE(paid.passed());
  EXPECT_EQ(paid.fresh, "");
  EXPECT_EQ(counted("renewed"), 0U);
}

TEST_F(SessionGuardTest, TheRequestThatMadeSomebodySuspiciousNeverGetsAToken) {
  session_.rapid = true;
  // A solution that was asked of the session before: of another presenter at home.
  const auto asked = call(kHome, kSafari);
  const auto first = call(kHome, "User-Agent: Mozilla/5.0 (Other)\r\n", asked.solution());
  EXPECT_TRUE(first.passed());
  EXPECT_EQ(first.fresh, "");
}

TEST_F(SessionGuardTest, NeighboursDriveEachOtherOutOfNothing) {
  session_.rapid = true;
  EXPECT_NE(pay(kHome, kSafari).fresh, "");
  EXPECT_NE(pay(kHome, kSafari + "Sec-CH-UA-Mobile: ?0\r\n").fresh, "");
  clock_.advance(Seconds{33});
  EXPECT_TRUE(call(kHome, kSafari).refused(http::Code::session_invalid)) << "he has a fresh one";
  EXPECT_TRUE(call().passed()) << "the owner, who was asked for nothing";
  EXPECT_TRUE(call(kElsewhere).passed()) << "and where he goes";
}

TEST_F(SessionGuardTest, AnAnswerThatWasLostIsGivenAgainAndKeepsNoOldTokenAlive) {
  session_.rapid = true;
  const auto first = pay(kHome, kSafari).fresh;
  EXPECT_NE(first, "");
  for (int i = 0; i < 5; ++i) {
    clock_.advance(Seconds{5});
    const auto again = call(kHome, kSafari);
    EXPECT_TRUE(again.passed()) << i;
    EXPECT_NE(again.fresh, "") << i;
    EXPECT_NE(again.fresh, first);
  }
  clock_.advance(Seconds{8});
  EXPECT_TRUE(call(kHome, kSafari).refused(http::Code::session_invalid)) << "after half a minute";
}

TEST_F(SessionGuardTest, WhereAThiefWasShutOutTheOwnerMayTurnUp) {
  site_.session_risk.deny = 59;
  EXPECT_TRUE(call(kElsewhere, kSafari).refused(http::Code::session_invalid));
  site_.session_risk.deny = 75;
  for (const char* language : {"de", "fr", "tlh"}) {
    const auto disguised = kSafari + "X: y\r\nAccept-Language: " + language + "\r\n";
    EXPECT_TRUE(call(kElsewhere, disguised).refused(http::Code::session_invalid)) << language;
  }
  EXPECT_TRUE(call(kElsewhere).passed()) << "with his own browser";
}

TEST_F(SessionGuardTest, AFreshTokenIsBoundAsTheOneBeforeWas) {
  session_.rapid = true;
  session_.user = "ann";
  session_.proof_key.emplace()[5] = 9;
  for (const bool bearer : {true, false}) {
    session_.bearer = bearer;
    session_.id[0] = bearer ? 3 : 4;
    session_.owner = presenter(kHome, kFirefox);
    const auto fresh = pay(kHome, kSafari).fresh;
    const auto from = fresh.find("pcs_");
    ASSERT_NE(from, std::string::npos) << fresh;
    const auto token = fresh.substr(from, fresh.find_first_of(";\r", from) - from);
    const auto claims = tokens_.verify(token);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->proof_key, session_.proof_key);
    EXPECT_EQ(claims->user, "ann");
    EXPECT_NE(fresh.find("X-Session-Token-Hash: " + identity::dpop_token_hash(token)),
              std::string::npos)
        << "for proofs by a page that cannot read it";
  }
}

// ---- users of a site

TEST_F(SessionGuardTest, TheSessionsOfAUserCanBeEndedAllAtOnce) {
  session_.user = "ann";
  EXPECT_TRUE(call().passed());
  const auto revoke = [&](const char* site, const char* user) {
    const WallTime until = clock_.wall() + Seconds{3600};
    EXPECT_TRUE(
        store_.revoke({identity::visitor_key(site, user), clock_.wall() + Seconds{1}, until})
            .value());
  };
  revoke("default", "bob");
  revoke("shop", "ann");
  change_ = [](http::Exchange& e) { e.session_state.revoked = Revoked::unasked; };
  EXPECT_TRUE(call().passed());
  revoke("default", "ann");
  EXPECT_TRUE(call().refused(http::Code::session_invalid));
  EXPECT_TRUE(call(kElsewhere).refused(http::Code::session_invalid)) << "wherever it is used";
  change_ = [](http::Exchange& e) { e.session_state.revoked = Revoked::yes; };
  EXPECT_TRUE(call().refused(http::Code::session_invalid));
  EXPECT_TRUE(call(kElsewhere).refused(http::Code::session_invalid));
  session_.issued = clock_.wall() + Seconds{2};
  EXPECT_TRUE(call(kElsewhere).passed()) << "one that began later";
}

// ---- modes and failures

TEST_F(SessionGuardTest, AGuardThatMonitorsCountsAndTellsOnly) {
  monitor_guard();
  EXPECT_TRUE(call(kElsewhere, kSafari).challenged()) << "the pipeline lets it pass";
  EXPECT_EQ(counted("challenged"), 0U);
  site_.session_risk.deny = 59;
  EXPECT_TRUE(call(kElsewhere, kSafari).refused(http::Code::session_invalid));
  EXPECT_EQ(counted("shut_out"), 0U);
  session_.rapid = true;
  site_.session_risk = {Mode::enforce, 20, 30};
  (void)call();
  EXPECT_EQ(dropped_, 0);
  EXPECT_EQ(events("SES_004"), 2U);
  EXPECT_EQ(sink_.events[0].decision, EventDecision::would_refuse);
}

TEST_F(SessionGuardTest, ASiteThatMonitorsTellsOnlyAndOneWithoutJudgesNobody) {
  site_.session_risk.mode = Mode::monitor;
  site_.session_risk.deny = 55;
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(call(kElsewhere, kSafari).passed());
  EXPECT_EQ(events("SES_004"), 1U);
  EXPECT_EQ(counted("shut_out"), 0U);
  site_.session_risk.mode = Mode::off;
  EXPECT_TRUE(call("198.51.100.77", kSafari).passed());
  EXPECT_EQ(sink_.events.size(), 1U);
}

TEST_F(SessionGuardTest, TokensOfOlderReleasesAreNotJudged) {
  session_.owner.reset();
  use_.owner_early = use_.others_early = 1000;
  EXPECT_TRUE(call(kElsewhere, kSafari).passed());
  EXPECT_TRUE(sink_.events.empty());
}

TEST_F(SessionGuardTest, AStoreThatFailsIsAnErrorWhereItIsNeededAndNobodyGetsAToken) {
  state::SimulatedStore failing(
      std::make_unique<state::MemoryStore>(state::MemoryStoreOptions{}, clock_),
      state::SimulatedStore::Behaviour::failing);
  asked_ = &failing;
  EXPECT_TRUE(call().passed()) << "it is not asked of the owner";
  change_ = [](http::Exchange& e) { e.session_state.revoked = Revoked::unasked; };
  EXPECT_FALSE(call().verdict);
  change_ = {};
  EXPECT_TRUE(call(kElsewhere).passed());
  const auto failed = call(kElsewhere, kSafari);
  ASSERT_FALSE(failed.verdict);
  EXPECT_EQ(failed.verdict.error().code, ErrorCode::unavailable);
  session_.rapid = true;
  EXPECT_FALSE(call(kHome, kSafari).verdict);
  EXPECT_EQ(call(kHome, kSafari).fresh, "");
}

}  // namespace
}  // namespace portcullis::guards

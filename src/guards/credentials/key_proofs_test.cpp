#include "guards/credentials/key_proofs.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "dpop_forge.hpp"
#include "guards/credentials/credentials_guard.hpp"
#include "guards/rate/rate_guard.hpp"
#include "guards/session/session_guard.hpp"
#include "http/memory_exchange.hpp"
#include "limited_guard_fixture.hpp"
#include "state/simulated_store.hpp"

namespace portcullis::guards {
namespace {

using config::ProofOfPossession;
using pipeline::Verdict;

class Sink final : public audit::Sink {
 public:
  void record(const audit::Event& event) override { events.push_back(event); }
  std::vector<audit::Event> events;
};

constexpr const char* kUrl = "http://chat.example.com/api/v1/chat/message";

/// A session that is bound to a key, on its way through the guards that know of keys.
class KeyProofsTest : public LimitedGuardFixture {
 protected:
  KeyProofsTest() {
    settings_.cookie_name = "chat";
    settings_.sites.resize(1);
    route_.session = pipeline::SessionNeed::required;
    route_.kind = pipeline::RouteKind::browser;
    route_.cls = pipeline::RouteClass::chat;
    route_.is_message = true;
    session_.id[0] = 1;
    session_.site = "default";
    session_.created = session_.issued = clock_.wall();
    session_.expires = clock_.wall() + Seconds{86'400};
    session_.bearer = true;
    session_.proof_key = forge::thumbprint(forge::ec_key());
    session_.owner.emplace();
  }

  std::string token() const { return tokens_.issue(session_); }
  std::string proof(const std::function<void(forge::DpopClaims&)>& change = {},
                    const forge::PrivateKey& key = forge::ec_key()) {
    forge::DpopClaims claims{.id = "id " + std::to_string(++proofs_),
                             .method = "POST",
                             .url = kUrl,
                             .issued = epoch_seconds(clock_.wall()),
                             .token = token()};
    if (change) change(claims);
    return forge::dpop(key, claims);
  }
  std::string bound(const std::string& proof) {
    return "Authorization: DPoP " + token() + "\r\nDPoP: " + proof + "\r\n";
  }

  struct Call {
    http::Principal principal;
    Result<Verdict> verdict;
    http::LimitState limit;
    bool passed() const { return verdict && verdict->kind == Verdict::Kind::pass; }
    bool refused(http::Code code) const {
      return verdict && verdict->kind == Verdict::Kind::refuse && verdict->problem.code == code;
    }
  };
  Call call(const std::string& fields, const std::string& host = "chat.example.com") {
    http::MemoryExchange exchange(worker_, "POST /api/v1/chat/message?a=b HTTP/1.1\r\nHost: " +
                                               host + "\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.https = https_;
    exchange.client.address = *IpAddress::parse(address_);
    Call out;
    const auto credentials =
        make_credentials_guard(settings_, {.sessions = tokens_, .sites = sites_});
    auto known = credentials->on_request(exchange);
    EXPECT_TRUE(known.value());
    LimitParts parts{*asked_, blocks_, in_flight_, metrics_, "a secret of this test"};
    const auto rate = make_rate_guard(settings_, parts);
    const auto session =
        make_session_guard(settings_, parts, {tokens_, reporter_, [](const state::Key&) {}});
    if (has_rate_guard_) {
      auto decision = rate->on_request(exchange);
      spawn(take(decision, out.verdict));
    }
    if (!has_rate_guard_ || out.passed()) {
      auto decision = session->on_request(exchange);
      spawn(take(decision, out.verdict));
    }
    out.principal = exchange.principal;
    out.limit = exchange.limit_state;
    return out;
  }
  static Task<void> take(pipeline::Decision& decision, Result<Verdict>& out) {
    out = co_await decision;
  }
  void expect_refused(const std::string& fields, const std::string& fault) {
    const auto seen = call(fields);
    EXPECT_TRUE(seen.refused(http::Code::proof_invalid)) << fault;
    EXPECT_EQ(seen.principal.fault, fault);
    EXPECT_FALSE(seen.principal.session) << fault;
    EXPECT_TRUE(seen.principal.unproven) << "for the event";
  }

  identity::SessionTokens tokens_{{std::string(48, 'k')}};
  std::vector<pipeline::Site> sites_;
  Sink sink_;
  pipeline::Reporter reporter_{&sink_, false, [](const http::SessionClaims&) { return "handle"; }};
  http::SessionClaims session_;
  state::Store* asked_ = &store_;
  bool has_rate_guard_ = true;
  bool https_ = false;
  const char* address_ = "203.0.113.7";
  int proofs_ = 0;
};

TEST_F(KeyProofsTest, ASessionThatIsBoundToAKeyIsForWhoProvesThatHeHoldsIt) {
  for (int i = 0; i < 3; ++i) {
    const auto seen = call(bound(proof()));
    EXPECT_TRUE(seen.passed());
    ASSERT_TRUE(seen.principal.session);
    EXPECT_TRUE(seen.principal.proof->is_spent);
    EXPECT_NE(seen.limit.tier, "proof") << "what a visitor reads of limits is of real ones";
  }
}

TEST_F(KeyProofsTest, ATokenAloneIsWorthNothing) {
  expect_refused("Authorization: DPoP " + token() + "\r\n", "JWT_010 no proof");
  expect_refused("Authorization: Bearer " + token() + "\r\n", "JWT_011 token");
  expect_refused("Authorization: Bearer " + token() + "\r\nDPoP: " + proof() + "\r\n",
                 "JWT_011 token");
  expect_refused("Authorization: DPoP " + token() + "\r\nDPoP: \r\n", "JWT_002");
}

TEST_F(KeyProofsTest, AProofIsOfThisKeyMethodAddressTokenAndTime) {
  using Claims = forge::DpopClaims;
  expect_refused(bound(proof({}, forge::other_ec_key())), "JWT_006 jwk");
  expect_refused(bound(proof([](Claims& c) { c.method = "GET"; })), "JWT_019 htm");
  expect_refused(bound(proof([](Claims& c) { c.url = "http://chat.example.com/x"; })),
                 "JWT_019 htu");
  expect_refused(bound(proof([](Claims& c) { c.token = ""; })), "JWT_010 ath");
  expect_refused(bound(proof([](Claims& c) { c.token = "another token"; })), "JWT_019 ath");
  expect_refused(bound(proof([](Claims& c) { c.issued -= 61; })), "JWT_018 iat");
  expect_refused(bound(proof([](Claims& c) { c.issued += 31; })), "JWT_016 iat");
  expect_refused(bound(proof() + "\r\nDPoP: " + proof()), "JWT_002 several proofs");
}

TEST_F(KeyProofsTest, AProofServesOnce) {
  const auto once = proof();
  EXPECT_TRUE(call(bound(once)).passed());
  expect_refused(bound(once), "JWT_020 jti");
  clock_.advance(Seconds{59});
  expect_refused(bound(once), "JWT_020 jti");
  EXPECT_TRUE(call(bound(proof())).passed()) << "its owner notices nothing";
}

TEST_F(KeyProofsTest, AProofServesOnceWhereTheRateGuardIsOffToo) {
  has_rate_guard_ = false;
  const auto once = proof();
  EXPECT_TRUE(call(bound(once)).passed());
  expect_refused(bound(once), "JWT_020 jti");
  route_.session = pipeline::SessionNeed::none;
  EXPECT_FALSE(call(bound(once)).principal.session);
}

TEST_F(KeyProofsTest, ARequestThatWasRefusedSpendsNoProof) {
  site_.limits.chat_address_minute = 1;
  EXPECT_TRUE(call(bound(proof())).passed());
  const auto again = proof();
  EXPECT_TRUE(call(bound(again)).refused(http::Code::rate_limited));
  address_ = "203.0.113.8";
  EXPECT_TRUE(call(bound(again)).passed()) << "it is as good as before";
}

TEST_F(KeyProofsTest, AThiefTakesNothingOfItsOwners) {
  site_.limits.session_minute = 3;
  site_.limits.in_flight_session = 1;
  const auto heard = proof();
  EXPECT_TRUE(call(bound(heard)).passed());
  for (int i = 0; i < 10; ++i) {
    expect_refused(bound(heard), "JWT_020 jti");
    expect_refused(bound(proof({}, forge::other_ec_key())), "JWT_006 jwk");
  }
  EXPECT_TRUE(call(bound(proof())).passed());
  EXPECT_TRUE(call(bound(proof())).passed());
  EXPECT_EQ(call(bound(proof())).limit.tier, "session-minute") << "the fourth message of its own";
}

TEST_F(KeyProofsTest, AThiefPaysAsAnybodyAtHisAddress) {
  site_.limits.chat_address_minute = 5;
  const auto heard = proof();
  EXPECT_TRUE(call(bound(heard)).passed());
  int charged = 0;
  for (int i = 0; i < 10; ++i) charged += call(bound(heard)).refused(http::Code::proof_invalid);
  EXPECT_EQ(charged, 4) << "then there is nothing left to be charged";
}

TEST_F(KeyProofsTest, ACookieIsBoundAsWellAndANeighboursHidesNone) {
  session_.bearer = false;
  const auto cookie = [&](const std::string& before) {
    return "Cookie: " + before + "chat=" + token() + "\r\nDPoP: " + proof() + "\r\n";
  };
  EXPECT_TRUE(call(cookie("")).passed());
  EXPECT_TRUE(call(cookie("chat=planted; ")).passed());
  auto other = session_;
  other.id[0] = 2;
  other.proof_key = forge::thumbprint(forge::other_ec_key());
  const auto beside = call(cookie("chat=" + tokens_.issue(other) + "; "));
  EXPECT_TRUE(beside.passed());
  EXPECT_FALSE(beside.principal.unproven);
  expect_refused("Cookie: chat=" + token() + "\r\n", "JWT_010 no proof");
  expect_refused("Cookie: chat=" + token() +
                     "\r\nDPoP: " + proof([](auto& c) { c.token = "another"; }) + "\r\n",
                 "JWT_019 ath");
}

TEST_F(KeyProofsTest, ATokenThatIsBoundToNoKeyIsShownAsBefore) {
  session_.proof_key.reset();
  EXPECT_TRUE(call("Authorization: Bearer " + token() + "\r\n").passed());
  EXPECT_TRUE(call("Authorization: Bearer " + token() + "\r\nDPoP: nonsense\r\n").passed());
  EXPECT_TRUE(call(bound(proof())).refused(http::Code::session_invalid));
}

TEST_F(KeyProofsTest, TheAddressIsTheOneThatABrowserUses) {
  const auto at = [&](const std::string& url) {
    return bound(proof([&](auto& c) { c.url = url; }));
  };
  const std::string path = "/api/v1/chat/message";
  EXPECT_TRUE(call(at("http://chat.example.com:8443" + path), "chat.example.com:8443").passed());
  https_ = true;
  EXPECT_TRUE(call(at("https://chat.example.com" + path)).passed());
  expect_refused(at("http://chat.example.com" + path), "JWT_019 htu");
  settings_.public_url = "https://www.example.com/chat/";
  for (const char* origin :
       {"https://www.example.com/chat", "https://www.example.com", "https://10.0.0.5:8000"}) {
    EXPECT_TRUE(call(at(origin + path), "10.0.0.5:8000").passed()) << origin;
  }
  expect_refused(at("https://www.example.com/other" + path), "JWT_019 htu");
}

TEST_F(KeyProofsTest, AClockThatIsWrongIsNoAttack) {
  const auto level = [&](std::int64_t off) {
    return call(bound(proof([&](auto& c) { c.issued += off; }))).verdict->incident.level;
  };
  EXPECT_EQ(level(3600), audit::ThreatLevel::low);
  EXPECT_EQ(level(-3600), audit::ThreatLevel::low);
  const auto stolen = call("Authorization: DPoP " + token() + "\r\n").verdict;
  EXPECT_EQ(stolen->incident.level, audit::ThreatLevel::medium);
  EXPECT_EQ(stolen->incident.code, "SES_008");
  EXPECT_EQ(stolen->problem.members, "\"now\":" + std::to_string(epoch_seconds(clock_.wall())));
}

TEST_F(KeyProofsTest, AKeyForANewSessionIsReadWhereTheSiteAsksForOne) {
  route_.session = pipeline::SessionNeed::none;
  route_.takes_proof = true;
  const auto fields = [&] { return "DPoP: " + proof([](auto& c) { c.token = ""; }) + "\r\n"; };
  EXPECT_FALSE(call(fields()).principal.proof) << "off";
  for (const auto mode : {ProofOfPossession::offer, ProofOfPossession::require}) {
    site_.proof_of_possession = mode;
    const auto once = fields();
    EXPECT_EQ(call(once).principal.proof->thumbprint, session_.proof_key);
    const auto again = call(once);
    EXPECT_FALSE(again.principal.proof);
    EXPECT_EQ(again.principal.fault, "JWT_020 jti");
    EXPECT_EQ(call("DPoP: nonsense\r\n").principal.fault, "JWT_002");
    EXPECT_FALSE(call("").principal.proof);
  }
}

TEST_F(KeyProofsTest, AStoreThatFailsLetsNoProofServeUnseen) {
  state::SimulatedStore failing(
      std::make_unique<state::MemoryStore>(state::MemoryStoreOptions{}, clock_),
      state::SimulatedStore::Behaviour::failing);
  asked_ = &failing;
  EXPECT_FALSE(call(bound(proof())).verdict);
  has_rate_guard_ = false;
  EXPECT_FALSE(call(bound(proof())).verdict);
}

}  // namespace
}  // namespace portcullis::guards

#include "guards/bot/bot_guard.hpp"

#include "http/json_body.hpp"
#include "http/memory_exchange.hpp"
#include "limited_guard_fixture.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"
#include "state/memory_store.hpp"
#include "state/simulated_store.hpp"
#include "work_solver.hpp"

namespace portcullis::guards {
namespace {

using http::Code;
using pipeline::Verdict;

constexpr const char* kPerson =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept-Language: fr\r\nSec-Fetch-Site: same-origin\r\n";
constexpr const char* kTool = "User-Agent: python-requests/2.31.0\r\n";

config::Settings quick_settings() {
  auto settings = default_settings();
  settings.bot_challenge_steps = 100;
  return settings;
}

class BotGuardTest : public LimitedGuardFixture {
 protected:
  BotGuardTest() : LimitedGuardFixture(quick_settings()) {}
  void SetUp() override {
    route_.cls = pipeline::RouteClass::chat;
    route_.kind = pipeline::RouteKind::browser;
    route_.message_member = "message";
    route_.trap_member = "website";
    make();
  }
  void make() { guard_ = make_bot_guard(settings_, trails_, parts_); }

  Verdict say(const std::string& message, const std::string& fields = kTool,
              const std::string& website = "") {
    http::MemoryExchange exchange(worker_,
                                  "POST / HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n");
    if (unhurried_) clock_.advance(Milliseconds{1100 + 97 * (++said_ * 7 % 11)});
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.address = *IpAddress::parse(address_);
    exchange.client.https = true;
    if (behind_block_) exchange.client.blocked_since = clock_.wall();
    exchange.principal.session.emplace().id[0] = session_;
    exchange.json = std::make_unique<http::JsonBody>();
    exchange.json->value = boost::json::object{{"message", message}, {"website", website}};
    auto decision = guard_->on_request(exchange);
    Verdict out;
    const auto take = [](Eventual<Result<Verdict>>& from, Verdict& to) -> Task<void> {
      auto result = co_await from;
      EXPECT_TRUE(result) << result.error().detail;
      if (result) to = *std::move(result);
    };
    spawn(take(decision, out));
    return out;
  }
  /// Uses up what a machine has in a minute; different texts, unhurried.
  void exhaust() {
    for (int i = 0; i < 15; ++i) EXPECT_EQ(say("hi").kind, Verdict::Kind::pass) << i;
  }
  static std::string solve(const Verdict& verdict) {
    return "X-Challenge-Solution: " + solve_work(verdict.problem.members) + "\r\n";
  }
  std::uint64_t counted(const char* family, const std::string& label) {
    auto& counter = metrics_.counter(family);
    return counter.value(counter.cell({label}));
  }

  Trails trails_;
  std::unique_ptr<pipeline::Guard> guard_;
  std::string address_ = "203.0.113.7";
  std::uint8_t session_ = 1;
  bool unhurried_ = true;
  bool behind_block_ = false;
  int said_ = 0;
};

TEST_F(BotGuardTest, PeopleAreLeftAlone) {
  for (int i = 0; i < 100; ++i) {
    clock_.advance(Milliseconds{4000 + i * 317});
    EXPECT_EQ(
        say("What about number " + std::string(1, static_cast<char>('a' + i % 26)) + "?", kPerson)
            .kind,
        Verdict::Kind::pass);
  }
  EXPECT_EQ(say("hi", kPerson).kind, Verdict::Kind::pass);
}

TEST_F(BotGuardTest, AMachineHasAQuarterOfTheLimit) {
  PROVES("F054,F137");
  exhaust();
  const auto slowed = say("hi");
  EXPECT_EQ(slowed.kind, Verdict::Kind::challenge);
  EXPECT_EQ(slowed.problem.code, Code::challenge_required);
  EXPECT_EQ(slowed.incident.code, "BOT_001");
  EXPECT_EQ(slowed.incident.details.at("bot_score"), "80");
  EXPECT_EQ(slowed.incident.details.at("bot_grounds"), "agent_tool,test_phrase,short");
  EXPECT_GT(*slowed.problem.retry_after, 0) << "waiting is the other way";
  EXPECT_EQ(say("Where is my parcel?").kind, Verdict::Kind::pass) << "40 alone are no suspicion";
  EXPECT_EQ(say("hi", kPerson).kind, Verdict::Kind::pass) << "who is beside it loses nothing";
  address_ = "203.0.113.8";
  EXPECT_EQ(say("hi").kind, Verdict::Kind::pass);
  address_ = "203.0.113.7";
  clock_.advance(Seconds{*slowed.problem.retry_after});
  EXPECT_EQ(say("hi").kind, Verdict::Kind::pass);
}

TEST_F(BotGuardTest, WorkPaysForARequestOnce) {
  PROVES("F137");
  exhaust();
  const std::string solution = solve(say("hi"));
  ASSERT_FALSE(solution.empty());
  EXPECT_EQ(say("hi", kTool + solution).kind, Verdict::Kind::pass);
  EXPECT_EQ(say("hi", kTool + solution).kind, Verdict::Kind::challenge) << "used";
  const std::string of_session = solve(say("hi"));
  session_ = 2;
  EXPECT_EQ(say("hi", kTool + of_session).kind, Verdict::Kind::challenge) << "another's";
  session_ = 1;
  clock_.advance(Seconds{301});
  exhaust();
  EXPECT_EQ(say("hi", kTool + of_session).kind, Verdict::Kind::challenge) << "expired";
  EXPECT_EQ(counted("portcullis_challenges_total", "solved"), 1U);
  EXPECT_EQ(counted("portcullis_challenges_total", "used"), 1U);
  EXPECT_EQ(counted("portcullis_challenges_total", "wrong"), 1U);
  EXPECT_EQ(counted("portcullis_challenges_total", "expired"), 1U);
}

TEST_F(BotGuardTest, WhoIsAskedOftenWorksMore) {
  unhurried_ = false;
  exhaust();
  const auto steps = [&] {
    const auto members = boost::json::parse("{" + say("hi").problem.members + "}");
    return members.at("challenge").at("max_number").as_int64();
  };
  std::vector<std::int64_t> all;
  for (int i = 0; i < 40; ++i) all.push_back(steps());
  EXPECT_EQ(all.front(), 100);
  EXPECT_EQ(all[4], 200);
  EXPECT_EQ(all.back(), 1000) << "and no more than that";
}

TEST_F(BotGuardTest, WithoutChallengesAndForOtherClientsItIsALimit) {
  settings_.sites.front().challenge.kind = config::BotChallenge::off;
  make();
  exhaust();
  auto slowed = say("hi");
  EXPECT_EQ(slowed.kind, Verdict::Kind::refuse);
  EXPECT_EQ(slowed.problem.code, Code::rate_limited);
  EXPECT_EQ(slowed.incident.code, "BOT_001");
}

TEST_F(BotGuardTest, ProgramsAreWelcomeWhereTheyAreExpected) {
  route_.cls = pipeline::RouteClass::api;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(say("hi").kind, Verdict::Kind::pass);
  route_.cls = pipeline::RouteClass::chat;
  route_.kind = pipeline::RouteKind::anonymous;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say("a question of its own").kind, Verdict::Kind::pass);
}

TEST_F(BotGuardTest, SpamIsRefused) {
  PROVES("F059");
  const std::string advert =
      "FREE CASH PRIZE! CLICK HERE: https://a.example https://b.example https://c.example";
  const auto refused = say(advert, kPerson);
  EXPECT_EQ(refused.kind, Verdict::Kind::refuse);
  EXPECT_EQ(refused.problem.code, Code::content_refused);
  EXPECT_EQ(refused.incident.code, "BOT_003");
  EXPECT_EQ(refused.incident.details.at("spam_score"), "75");
  EXPECT_EQ(refused.incident.details.at("spam_grounds"), "links,capitals,spam_words");
}

TEST_F(BotGuardTest, TheSameTextAgainAndAgainIsNoticedEverywhere) {
  PROVES("F052");
  const std::string text = "Please visit our new shop for watches";
  for (int i = 0; i < 2; ++i) {
    clock_.advance(Seconds{20 + i});
    say(text, kPerson);
  }
  EXPECT_EQ(counted("portcullis_bot_suspicions_total", "repeats"), 0U);
  clock_.advance(Seconds{25});
  say(text);  // 40 of the tool, 30 of the repetition
  EXPECT_EQ(counted("portcullis_bot_suspicions_total", "repeats"), 1U);
  for (std::uint8_t i = 2; i < 9; ++i) {
    session_ = i;
    clock_.advance(Seconds{20 + i});
    say(text);
  }
  EXPECT_GT(counted("portcullis_bot_suspicions_total", "address_repeats"), 1U);
  for (std::uint8_t i = 10; i < 30; ++i) {
    session_ = i;
    address_ = "198.51.100." + std::to_string(i);
    clock_.advance(Seconds{2});
    say(text + " test", std::string(kTool) + "");
  }
  session_ = 30;
  address_ = "198.51.100.30";
  say(text, "User-Agent: curl/8\r\n", "x");
  EXPECT_GT(counted("portcullis_bot_suspicions_total", "site_repeats"), 0U);
}

TEST_F(BotGuardTest, ASessionBehindABlockedAddressIsCountedOnce) {
  behind_block_ = true;
  for (int i = 0; i < 4; ++i) {
    clock_.advance(Seconds{10 + i});
    say("Please visit our new shop for watches");
  }
  EXPECT_EQ(counted("portcullis_bot_suspicions_total", "repeats"), 2U);
  EXPECT_EQ(counted("portcullis_bot_suspicions_total", "address_repeats"), 0U);
}

TEST_F(BotGuardTest, TheTrapIsForMachines) {
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(
        say("x" + std::string(static_cast<std::size_t>(i), 'y'), kPerson, "https://a.example").kind,
        Verdict::Kind::pass);
  }
  EXPECT_EQ(say("one more", kPerson, "https://a.example").kind, Verdict::Kind::challenge);
  EXPECT_EQ(say("one more", kPerson).kind, Verdict::Kind::pass);
}

TEST_F(BotGuardTest, AMachineWithMoreAgainstItIsRefused) {
  PROVES("F054");
  const std::string text = "Free money, and a prize, at our shop www.a.example";
  Verdict last;
  for (int i = 0; i < 4; ++i) last = say(text);
  EXPECT_EQ(last.kind, Verdict::Kind::refuse);
  EXPECT_EQ(last.problem.code, Code::content_refused);
  EXPECT_EQ(last.incident.code, "BOT_002");
}

TEST_F(BotGuardTest, WithoutAStoreItCannotDecide) {
  state::SimulatedStore failing(
      std::make_unique<state::MemoryStore>(state::MemoryStoreOptions{}, clock_),
      state::SimulatedStore::Behaviour::failing);
  const LimitParts parts{failing, blocks_, in_flight_, metrics_, "a secret of this test"};
  guard_ = make_bot_guard(settings_, trails_, parts);
  http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
  route_.trap_member = "message";
  exchange.route = &route_;
  exchange.site = &site_;
  exchange.json = std::make_unique<http::JsonBody>();
  exchange.json->value = boost::json::object{{"message", "hi"}};
  auto decision = guard_->on_request(exchange);
  ASSERT_TRUE(decision.ready());
  EXPECT_FALSE(decision.value()) << "the guard's on_error decides";
}

}  // namespace
}  // namespace portcullis::guards

#include "guards/challenge/challenge_desk.hpp"

#include <gtest/gtest.h>

#include "http/memory_exchange.hpp"
#include "limited_guard_fixture.hpp"
#include "state/memory_store.hpp"
#include "work_solver.hpp"

namespace portcullis::guards {
namespace {

using Payment = ChallengeDesk::Payment;

/// A provider in the test's hands.
class FakeVerifier final : public identity::CaptchaVerifier {
 public:
  Eventual<bool> ready(http::Exchange&) override { return !is_away; }
  Task<Result<identity::CaptchaAnswer>> verify(http::Exchange&,
                                               identity::CaptchaQuestion question) override {
    asked.push_back(std::move(question.token));
    co_return answer;
  }
  bool away() const noexcept override { return is_away; }
  const std::string& site_key() const noexcept override { return key_; }
  const std::string& script_url() const noexcept override { return script_; }

  bool is_away = false;
  Result<identity::CaptchaAnswer> answer;
  std::vector<std::string> asked;

 private:
  const std::string key_ = "public-key";
  const std::string script_ = "https://provider.example/api.js";
};

class ChallengeDeskTest : public LimitedGuardFixture {
 protected:
  ChallengeDeskTest() : ChallengeDeskTest(std::make_shared<FakeVerifier>()) {}
  void SetUp() override {
    site_.origins = {*OriginPattern::parse("https://shop.example")};
    route_.kind = pipeline::RouteKind::browser;
    use(config::BotChallenge::turnstile);
  }
  void use(config::BotChallenge kind) {
    settings_.sites.front().challenge.kind = kind;
    settings_.bot_challenge_steps = 100;
    desk_.emplace(settings_, parts_);
  }
  std::unique_ptr<http::MemoryExchange> exchange(const std::string& solution = {}) {
    auto out = std::make_unique<http::MemoryExchange>(
        worker_, "POST / HTTP/1.1\r\nHost: a\r\n" +
                     (solution.empty() ? "" : "X-Challenge-Solution: " + solution + "\r\n") +
                     "\r\n");
    out->route = &route_;
    out->site = &site_;
    out->client.address = *IpAddress::parse(address_);
    return out;
  }
  template <class T>
  static Task<void> keep(Task<Result<T>> task, std::optional<T>& out) {
    auto result = co_await task;
    EXPECT_TRUE(result) << result.error().detail;
    if (result) out = *std::move(result);
  }
  Payment take(const std::string& solution) {
    const auto sent = exchange(solution);
    std::optional<Payment> out;
    spawn(keep(desk_->take(*sent), out));
    return out.value();
  }
  boost::json::object ask(Payment payment = Payment::none) {
    const auto sent = exchange();
    std::optional<pipeline::Verdict> out;
    spawn(keep(desk_->ask(*sent, payment, {}, 9), out));
    const auto members = boost::json::parse("{" + out.value().problem.members + "}");
    return members.at("challenge").as_object();
  }
  static std::string text(const boost::json::object& challenge, const char* name) {
    return std::string(challenge.at(name).as_string());
  }
  /// The provider takes the next token for solved on our page, for this ticket.
  void accept(const std::string& ticket) {
    verifier_->answer = identity::CaptchaAnswer{true, clock_.wall() - Seconds{1}, "shop.example",
                                                "portcullis", ticket};
  }
  std::string solution(const std::string& token) {
    const auto ticket = text(ask(), "ticket");
    accept(ticket);
    return "turnstile." + ticket + "." + token;
  }
  std::uint64_t counted(const std::string& outcome) {
    auto& family = metrics_.counter("portcullis_challenges_total");
    return family.value(family.cell({outcome}));
  }

  const std::shared_ptr<FakeVerifier> verifier_;
  std::optional<ChallengeDesk> desk_;
  std::string address_ = "203.0.113.7";

 private:
  explicit ChallengeDeskTest(std::shared_ptr<FakeVerifier> verifier)
      : LimitedGuardFixture(default_settings(), {verifier}), verifier_(std::move(verifier)) {}
};

TEST_F(ChallengeDeskTest, ACaptchaNamesItsKindAndWhatAPageNeedsToShowIt) {
  const auto challenge = ask();
  EXPECT_EQ(text(challenge, "kind"), "turnstile");
  EXPECT_EQ(text(challenge, "site_key"), "public-key");
  EXPECT_EQ(text(challenge, "script"), "https://provider.example/api.js");
  EXPECT_EQ(text(challenge, "action"), "portcullis");
  EXPECT_EQ(text(challenge, "fallback"), "wait");
  EXPECT_NE(text(challenge, "ticket"), text(ask(), "ticket")) << "the provider links nobody by it";
  use(config::BotChallenge::hcaptcha);
  EXPECT_FALSE(ask().contains("action"));
}

TEST_F(ChallengeDeskTest, ATokenAndItsTicketServeOnceAndTheProviderIsAskedOnce) {
  const auto good = solution("token-1");
  EXPECT_EQ(take(good), Payment::paid);
  EXPECT_EQ(take(good), Payment::none);
  EXPECT_EQ(take(solution("token-1")), Payment::none) << "another ticket";
  EXPECT_EQ(take(good + "x"), Payment::none) << "another token for this ticket";
  EXPECT_EQ(verifier_->asked, std::vector<std::string>{"token-1"});
  EXPECT_EQ(counted("solved"), 1U);
  EXPECT_EQ(counted("used"), 3U);
}

TEST_F(ChallengeDeskTest, WhatIsPaidServesAllThatIsAskedOfOneRequest) {
  const auto good = solution("token-1");
  const auto sent = exchange(good);
  for (int i = 0; i < 2; ++i) {
    std::optional<Payment> out;
    spawn(keep(desk_->take(*sent), out));
    EXPECT_EQ(out, Payment::paid);
  }
  EXPECT_EQ(counted("solved"), 1U);
  EXPECT_EQ(take(good), Payment::none) << "another request";
}

TEST_F(ChallengeDeskTest, WhoWasNotAskedOrTooLongAgoReachesNoProvider) {
  const auto good = solution("token-1");
  address_ = "203.0.113.8";
  EXPECT_EQ(take(good), Payment::none) << "another's ticket";
  address_ = "203.0.113.7";
  EXPECT_EQ(take("turnstile.1800000300-AAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAAAAAAAAAAA.token"),
            Payment::none);
  EXPECT_EQ(take("hcaptcha" + good.substr(good.find('.'))), Payment::none) << "another provider's";
  clock_.advance(Seconds{301});
  EXPECT_EQ(take(good), Payment::none);
  EXPECT_TRUE(verifier_->asked.empty());
  EXPECT_EQ(counted("expired"), 1U);
}

TEST_F(ChallengeDeskTest, ACallerHasTenTokensLookedAtInAMinute) {
  for (int i = 0; i < 30; ++i) {
    const auto next = solution("token-" + std::to_string(i));
    verifier_->answer = identity::CaptchaAnswer{};
    EXPECT_EQ(take(next), Payment::none);
  }
  EXPECT_EQ(verifier_->asked.size(), 10U);
  EXPECT_EQ(counted("wrong"), 10U);
  EXPECT_EQ(counted("limited"), 20U);
  address_ = "203.0.113.8";
  EXPECT_EQ(take(solution("token-of-another")), Payment::paid);
}

TEST_F(ChallengeDeskTest, WhileTheProviderIsAwayWorkIsAskedForAndAccepted) {
  verifier_->is_away = true;
  const auto task = ask();
  EXPECT_FALSE(task.contains("kind"));
  verifier_->is_away = false;
  EXPECT_EQ(take(solve_work(task)), Payment::paid) << "also when it is back";
}

TEST_F(ChallengeDeskTest, WhoseTokenCannotBeCheckedWorksInstead) {
  const auto good = solution("token-1");
  verifier_->answer = fail(ErrorCode::timeout, "silent", ErrorOrigin::upstream);
  EXPECT_EQ(take(good), Payment::unchecked);
  EXPECT_TRUE(ask(Payment::unchecked).contains("max_number"));
  EXPECT_EQ(counted("unavailable"), 1U);
}

TEST_F(ChallengeDeskTest, WhoFillsAllPlacesAtTheProviderGetsNoWorkForIt) {
  const auto good = solution("token-1");
  verifier_->answer = fail(ErrorCode::exhausted, "all places are taken");
  EXPECT_EQ(take(good), Payment::none);
  EXPECT_TRUE(ask(Payment::none).contains("kind"));
}

TEST_F(ChallengeDeskTest, NobodyChoosesWorkUnlessTheOwnerAllowsItAndThenItIsTheHardest) {
  const auto word = "fallback." + text(ask(), "ticket");
  EXPECT_EQ(take(word), Payment::declined);
  EXPECT_TRUE(ask(Payment::declined).contains("kind")) << "wait is the default";
  EXPECT_EQ(take("fallback.nonsense"), Payment::none);
  settings_.captcha_fallback = config::ChallengeFallback::proof_of_work;
  use(config::BotChallenge::turnstile);
  EXPECT_TRUE(ask().contains("kind")) << "to who does not say so";
  EXPECT_EQ(ask(Payment::declined).at("max_number").as_int64(), 1000);
}

TEST_F(ChallengeDeskTest, ASiteWithoutAProviderTakesNoTokens) {
  const auto good = solution("token-1");
  const std::vector<std::shared_ptr<identity::CaptchaVerifier>> none{nullptr};
  const LimitParts parts{store_, blocks_, in_flight_, metrics_, "a secret of this test", none};
  settings_.sites.front().challenge.kind = config::BotChallenge::proof_of_work;
  desk_.emplace(settings_, parts);
  EXPECT_TRUE(ask().contains("max_number"));
  EXPECT_EQ(take(good), Payment::none);
  EXPECT_EQ(take("fallback." + good), Payment::none);
  EXPECT_TRUE(verifier_->asked.empty());
}

}  // namespace
}  // namespace portcullis::guards

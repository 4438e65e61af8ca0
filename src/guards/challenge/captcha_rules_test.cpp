#include "guards/challenge/captcha_rules.hpp"

#include <gtest/gtest.h>

namespace portcullis::guards {
namespace {

using config::BotChallenge;
using Outcome = CaptchaOutcome;

const config::CaptchaProvider& hcaptcha() {
  return *config::captcha_provider(BotChallenge::hcaptcha);
}
const config::CaptchaProvider& turnstile() {
  return *config::captcha_provider(BotChallenge::turnstile);
}

class CaptchaRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    site_.origins = {*OriginPattern::parse("https://www.shop.example"),
                     *OriginPattern::parse("https://*.house.example")};
    answer_ = {.success = true,
               .solved_at = now_ - Seconds{20},
               .hostname = "www.shop.example",
               .action = "portcullis",
               .cdata = "ticket-1"};
  }
  Outcome judge(const config::CaptchaProvider& provider) const {
    return judge_captcha(answer_, {provider, "ticket-1", site_, origin_, now_});
  }
  Outcome judge_host(const std::string& host, const config::CaptchaProvider& provider) {
    answer_.hostname = host;
    return judge(provider);
  }

  WallTime now_{Seconds{1'800'000'000}};
  pipeline::Site site_;
  std::optional<Origin> origin_;
  identity::CaptchaAnswer answer_;
};

TEST_F(CaptchaRulesTest, WhatWasSolvedHereAndNowPasses) {
  EXPECT_EQ(judge(turnstile()), Outcome::solved);
  EXPECT_EQ(judge(hcaptcha()), Outcome::solved);
  answer_.success = false;
  EXPECT_EQ(judge(turnstile()), Outcome::wrong);
}

TEST_F(CaptchaRulesTest, AnotherPagesCaptchaIsForeign) {
  for (const char* host : {"evil.example", "shop.example", "www.shop.example.evil.example",
                           "house.example", "", "WWW.SHOP.EXAMPLE"}) {
    EXPECT_EQ(judge_host(host, turnstile()), Outcome::foreign) << host;
  }
  EXPECT_EQ(judge_host("a.house.example", turnstile()), Outcome::solved);
  origin_ = Origin::parse("http://127.0.0.1:8000");
  EXPECT_EQ(judge_host("127.0.0.1", turnstile()), Outcome::solved) << "the page that sends it";
}

TEST_F(CaptchaRulesTest, AHostThatTheProviderKeepsToItselfPassesWhereItIsDocumented) {
  EXPECT_EQ(judge_host("not-provided", hcaptcha()), Outcome::solved);
  EXPECT_EQ(judge_host("not-provided", turnstile()), Outcome::foreign);
  EXPECT_EQ(judge_host("", hcaptcha()), Outcome::foreign);
}

TEST_F(CaptchaRulesTest, AnotherVisitorsCaptchaIsForeignWhereTheProviderTells) {
  answer_.cdata = "ticket-2";
  EXPECT_EQ(judge(turnstile()), Outcome::foreign);
  EXPECT_EQ(judge(hcaptcha()), Outcome::solved);
  answer_.cdata = "ticket-1";
  answer_.action = "login";
  EXPECT_EQ(judge(turnstile()), Outcome::foreign);
  answer_.action = answer_.cdata = "";
  EXPECT_EQ(judge(turnstile()), Outcome::foreign) << "rendered without them";
}

TEST_F(CaptchaRulesTest, OneOfLongAgoOrOfTheFutureIsExpired) {
  answer_.solved_at = now_ - Seconds{300};
  EXPECT_EQ(judge(turnstile()), Outcome::solved);
  answer_.solved_at = now_ - Seconds{301};
  EXPECT_EQ(judge(turnstile()), Outcome::expired);
  answer_.solved_at = now_ + Seconds{60};
  EXPECT_EQ(judge(turnstile()), Outcome::solved) << "clocks differ";
  answer_.solved_at = now_ + Seconds{61};
  EXPECT_EQ(judge(turnstile()), Outcome::expired);
}

TEST(CaptchaSolutionTest, IsTakenApartAtItsFirstTwoDots) {
  const auto solution =
      CaptchaSolution::parse("turnstile.1800000300-ab_c-d.0.x-Y_z.9", turnstile());
  ASSERT_TRUE(solution);
  EXPECT_EQ(solution->ticket, "1800000300-ab_c-d");
  EXPECT_EQ(solution->token, "0.x-Y_z.9");
}

TEST(CaptchaSolutionTest, NothingElseReachesAProvider) {
  for (const char* text :
       {"", "turnstile", "turnstile.", "turnstile.ticket", "turnstile.ticket.",
        "hcaptcha.ticket.token", "Turnstile.ticket.token", "turnstile.ticket.to ken",
        "turnstile.ticket.a&secret=b", "turnstile.ticket.a%00", "1800000300-abc.7.signature",
        "fallback.ticket"}) {
    EXPECT_FALSE(CaptchaSolution::parse(text, turnstile())) << text;
  }
  const std::string before = "turnstile.ticket.";
  EXPECT_TRUE(CaptchaSolution::parse(before + std::string(2048, 'a'), turnstile()));
  EXPECT_FALSE(CaptchaSolution::parse(before + std::string(2049, 'a'), turnstile()));
  EXPECT_TRUE(CaptchaSolution::parse("hcaptcha.ticket." + std::string(8192, 'a'), hcaptcha()));
  EXPECT_FALSE(CaptchaSolution::parse("hcaptcha.ticket." + std::string(8193, 'a'), hcaptcha()));
}

TEST(CaptchaSolutionTest, APageMaySayThatItCannotShowIt) {
  EXPECT_EQ(declined_ticket("fallback.1800000300-ab"), "1800000300-ab");
  EXPECT_FALSE(declined_ticket("turnstile.1800000300-ab.token"));
  EXPECT_FALSE(declined_ticket("fallback"));
}

}  // namespace
}  // namespace portcullis::guards

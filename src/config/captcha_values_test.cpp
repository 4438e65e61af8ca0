#include "config/captcha_values.hpp"

#include <gtest/gtest.h>

#include "config/upstream_values.hpp"
#include "default_settings.hpp"

namespace portcullis::config {
namespace {

TEST(CaptchaValues, OnlyCaptchasHaveAProvider) {
  EXPECT_EQ(captcha_provider(BotChallenge::off), nullptr);
  EXPECT_EQ(captcha_provider(BotChallenge::proof_of_work), nullptr);
  for (const auto kind : {BotChallenge::hcaptcha, BotChallenge::turnstile}) {
    const auto* provider = captcha_provider(kind);
    ASSERT_NE(provider, nullptr);
    EXPECT_EQ(provider->name, name_of(kind));
    EXPECT_FALSE(protected_url_fault(provider->verify_url));
    EXPECT_FALSE(protected_url_fault(provider->script_url));
  }
}

TEST(CaptchaValues, WhatNoProviderGivesIsRefused) {
  for (const char* good : {"", "0x4AAAAAAA", "10000000-ffff-ffff-ffff-000000000001", "a.b_c"}) {
    EXPECT_FALSE(site_key_fault(good)) << good;
  }
  for (const char* bad : {" ", "a b", "a\"b", "a<b", "\xc3\xa4"}) {
    EXPECT_TRUE(site_key_fault(bad)) << bad;
  }
  EXPECT_TRUE(site_key_fault(std::string(129, 'a')));
  EXPECT_FALSE(captcha_secret_fault("0x0000000000000000000000000000000000000000"));
  EXPECT_TRUE(captcha_secret_fault("two words"));
  EXPECT_TRUE(captcha_secret_fault(std::string(513, 'a')));
}

TEST(CaptchaValues, APageAllowsItsOwnProviderAndTheAddressThatIsSet) {
  auto settings = default_settings();
  auto& site = settings.sites.front();
  EXPECT_EQ(captcha_sources(settings, site), "");
  site.challenge.kind = BotChallenge::turnstile;
  EXPECT_EQ(captcha_sources(settings, site), "https://challenges.cloudflare.com");
  settings.captcha_script_url = "https://captcha.house.example/api.js?x";
  EXPECT_EQ(captcha_sources(settings, site),
            "https://challenges.cloudflare.com https://captcha.house.example");
}

}  // namespace
}  // namespace portcullis::config

#include "identity/presenters.hpp"

#include <set>
#include <string>

#include "http/memory_exchange.hpp"
#include "proves.hpp"

namespace portcullis::identity {
namespace {

using http::Platform;

const std::string kSecret = "first secret, forty-eight random bytes as it were";
const std::string kOther = "other secret, forty-eight random bytes as it were";
constexpr const char* kAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101";

class PresentersTest : public testing::Test {
 protected:
  http::Presenter of(const std::string& fields, const char* address = "203.0.113.7") {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    return presenters_.of(exchange.head(), *IpAddress::parse(address), session_);
  }
  static std::string browser(const std::string& agent, const std::string& language = "en") {
    return "User-Agent: " + agent + "\r\nAccept-Language: " + language + "\r\n";
  }
  Standing standing(const http::Presenter& presenter) const {
    return standing_of(session_, presenter, use_, now_);
  }

  net::Worker worker_{0};
  Presenters presenters_{{kSecret, kOther}};
  http::SessionClaims session_;
  SessionUse use_;
  WallTime now_ = from_epoch_seconds(1'800'000'000);
};

TEST_F(PresentersTest, AFingerprintIsStableAndSeparatesItsInputs) {
  PROVES("F026");
  const auto print = of(browser(kAgent)).fingerprint;
  static_assert(sizeof print * 8 == 128);
  EXPECT_EQ(of(browser(kAgent)).fingerprint, print) << "no clock, no chance in it";
  EXPECT_EQ(of(browser(kAgent), "2001:db8::1").fingerprint, print) << "no address";
  EXPECT_EQ(fingerprint_text(of(browser(kAgent))).size(), 32U);
  EXPECT_EQ(fingerprint_text(of(browser(kAgent))), presenters_.browser(kAgent, "en"));
  std::set<std::array<std::uint64_t, 2>> prints{print};
  const auto differs = [&](const std::string& fields) {
    return prints.insert(of(fields).fingerprint).second;
  };
  EXPECT_TRUE(differs(browser("Mozilla/5.1")));
  EXPECT_TRUE(differs(browser(kAgent, "de")));
  EXPECT_TRUE(differs(browser("", std::string(kAgent) + "en")));
  EXPECT_TRUE(differs(browser(kAgent) + "Sec-CH-UA-Platform: \"Linux\"\r\n"));
  EXPECT_TRUE(differs(browser(kAgent) + "Sec-CH-UA-Platform: \"Windows\"\r\n"));
  EXPECT_TRUE(differs(browser(kAgent) + "Sec-CH-UA-Mobile: \"Linux\"\r\n")) << "another header";
  EXPECT_TRUE(differs(""));
  session_.device = presenters_.device("1920x1080", "Europe/Oslo");
  EXPECT_TRUE(differs(browser(kAgent)));
  session_.device = presenters_.device("1920x108", "0Europe/Oslo");
  EXPECT_TRUE(differs(browser(kAgent)));
  session_.device = presenters_.device("", "");
  EXPECT_EQ(of(browser(kAgent)).fingerprint, print) << "a page that says nothing";
  session_.key = 1;
  EXPECT_TRUE(differs(browser(kAgent))) << "another secret";
  session_.key = 255;
  EXPECT_FALSE(differs(browser(kAgent))) << "never beyond the keys there are";
}

TEST_F(PresentersTest, ANetworkIsAnIpv4AddressOrAnIpv6Slash64) {
  const auto network = [&](const char* address) { return of("", address).network; };
  EXPECT_EQ(network("203.0.113.7"), network("203.0.113.7"));
  EXPECT_NE(network("203.0.113.7"), network("203.0.113.8"));
  EXPECT_EQ(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
  EXPECT_NE(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
  EXPECT_TRUE(of("", "203.0.113.7").ipv4);
  EXPECT_FALSE(of("", "2001:db8::1").ipv4);
}

TEST_F(PresentersTest, WhoSaysNothingOfHisBrowserHasNoUserAgent) {
  EXPECT_EQ(of("").user_agent, 0U);
  EXPECT_NE(of(browser(kAgent)).user_agent, 0U);
  EXPECT_EQ(of(browser(kAgent, "de")).user_agent, of(browser(kAgent)).user_agent);
}

TEST_F(PresentersTest, TheOwnerIsKnownByNetworkAndBrowser) {
  session_.owner = of(browser(kAgent));
  EXPECT_EQ(standing(of(browser(kAgent))), Standing::owner);
  EXPECT_EQ(standing(of(browser("Other/1"))), Standing::neighbour);
  EXPECT_EQ(standing(of(browser(kAgent), "198.51.100.1")), Standing::stranger);
  EXPECT_EQ(standing(of(browser("Other/1"), "198.51.100.1")), Standing::stranger);
  session_.owner.reset();
  EXPECT_EQ(standing(of(browser("Other/1"), "198.51.100.1")), Standing::owner)
      << "nothing is known";
}

TEST_F(PresentersTest, TheOtherAddressFamilyWithinTenMinutesIsNoMove) {
  session_.issued = now_;
  session_.owner = of(browser(kAgent));
  const auto by_ipv6 = of(browser(kAgent), "2001:db8::1");
  EXPECT_EQ(standing(by_ipv6), Standing::owner);
  EXPECT_EQ(standing(of(browser("Other/1"), "2001:db8::1")), Standing::stranger);
  EXPECT_EQ(standing(of(browser(kAgent), "198.51.100.1")), Standing::stranger) << "same family";
  now_ += Seconds{600};
  EXPECT_EQ(standing(by_ipv6), Standing::owner);
  now_ += Seconds{1};
  EXPECT_EQ(standing(by_ipv6), Standing::stranger);
  use_.owner_active = now_ - Seconds{599};
  EXPECT_EQ(standing(by_ipv6), Standing::owner) << "its owner has spoken since";
  use_.owner_active = {};
  use_.others_active = now_;
  EXPECT_EQ(standing(by_ipv6), Standing::stranger) << "others have";
}

TEST_F(PresentersTest, APlatformIsWhatTheHintSaysElseTheUserAgent) {
  EXPECT_EQ(platform_of("\"Windows\"", kAgent), Platform::windows);
  EXPECT_EQ(platform_of("\"Chromium OS\"", ""), Platform::chromeos);
  EXPECT_EQ(platform_of("\"Plan 9\"", kAgent), Platform::linux);
  const auto by_agent = [](std::string_view agent) { return platform_of("", agent); };
  EXPECT_EQ(by_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko"), Platform::windows);
  EXPECT_EQ(by_agent("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome"), Platform::android);
  EXPECT_EQ(by_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"), Platform::ios);
  EXPECT_EQ(by_agent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"), Platform::macos);
  EXPECT_EQ(by_agent("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)"), Platform::chromeos);
  EXPECT_EQ(by_agent("curl/8.5.0 (Windows"), Platform::windows);
  EXPECT_EQ(by_agent("a shop (of glass) for Windows"), Platform::unknown);
  EXPECT_EQ(by_agent(""), Platform::unknown);
}

TEST_F(PresentersTest, ADeviceMayAskForPagesForDesktops) {
  EXPECT_TRUE(may_be_one_device(Platform::windows, Platform::windows));
  EXPECT_TRUE(may_be_one_device(Platform::ios, Platform::macos));
  EXPECT_TRUE(may_be_one_device(Platform::linux, Platform::android));
  EXPECT_TRUE(may_be_one_device(Platform::unknown, Platform::windows));
  EXPECT_FALSE(may_be_one_device(Platform::windows, Platform::macos));
  EXPECT_FALSE(may_be_one_device(Platform::ios, Platform::android));
  EXPECT_FALSE(may_be_one_device(Platform::chromeos, Platform::android));
}

}  // namespace
}  // namespace portcullis::identity

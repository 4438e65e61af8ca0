#include "guards/session/session_risk.hpp"

#include <gtest/gtest.h>

#include "proves.hpp"

namespace portcullis::guards {
namespace {

using http::Platform;
using identity::Standing;

class SessionRiskTest : public testing::Test {
 protected:
  SessionRiskTest() {
    session_.created = session_.issued = now_ - Seconds{60 * 60};
    session_.owner = owner_;
  }
  /// The score of a presenter who differs from the owner by what a test has changed.
  Score judge() {
    const auto standing = identity::standing_of(session_, presenter_, use_, now_);
    return judge_presenter({session_, presenter_, use_, standing, creations_, now_});
  }
  void come_from_elsewhere() { presenter_.network = 2; }
  void use_another_browser() {
    presenter_.user_agent = 6;
    presenter_.fingerprint = {7, 8};
  }
  void expect(int points, std::string_view grounds) {
    const auto score = judge();
    EXPECT_EQ(score.points(), points);
    EXPECT_EQ(score.text(), grounds);
  }

  const WallTime now_ = from_epoch_seconds(1'800'000'000);
  const http::Presenter owner_{.network = 1,
                               .ipv4 = true,
                               .fingerprint = {3, 4},
                               .user_agent = 5,
                               .platform = Platform::windows};
  http::SessionClaims session_;
  http::Presenter presenter_ = owner_;
  SessionUse use_;
  std::int64_t creations_ = 0;
};

TEST_F(SessionRiskTest, NothingSpeaksAgainstTheOwner) { expect(0, ""); }

TEST_F(SessionRiskTest, AnotherNetworkIsThirtyPoints) {
  PROVES("F028,F032");
  come_from_elsewhere();
  expect(30, "ip_change");
}

TEST_F(SessionRiskTest, AnotherUserAgentIsTwentyPoints) {
  PROVES("F029,F032");
  use_another_browser();
  expect(20, "user_agent_change");
  presenter_.user_agent = 0;
  expect(20, "user_agent_change");
  session_.owner->user_agent = 0;
  presenter_.user_agent = 6;
  expect(0, "");
}

TEST_F(SessionRiskTest, AnotherLanguageAloneIsNothing) {
  presenter_.fingerprint = {7, 8};
  expect(0, "");
}

TEST_F(SessionRiskTest, AnotherPlatformIsTenPointsUnlessOneDeviceMaySayBoth) {
  presenter_.platform = Platform::macos;
  expect(10, "platform_change");
  presenter_.platform = Platform::unknown;
  expect(0, "");
  session_.owner->platform = Platform::ios;
  presenter_.platform = Platform::macos;
  expect(0, "");
}

TEST_F(SessionRiskTest, UseFromTwoNetworksWithinAMinuteIsTenPointsForTheStranger) {
  use_.owner_active = now_ - Seconds{60};
  expect(0, "");
  come_from_elsewhere();
  expect(40, "ip_change,two_networks");
  use_.owner_active = now_ - Seconds{61};
  expect(30, "ip_change");
  use_.others_active = now_;
  use_.others_network = presenter_.network;
  expect(30, "ip_change");  // his own messages
  use_.others_network = 9;
  expect(40, "ip_change,two_networks");
  presenter_ = owner_;
  expect(0, "");  // a thief's messages are no grounds against the owner
}

TEST_F(SessionRiskTest, ManySessionsOfANetworkAreFortyPointsWhereTheyWereCreated) {
  PROVES("F033,F032");
  session_.rapid = true;
  expect(40, "rapid_session_creation");
  use_another_browser();
  expect(60, "user_agent_change,rapid_session_creation");
  come_from_elsewhere();
  expect(50, "ip_change,user_agent_change");  // an office's sessions are not this network's
  creations_ = 5;
  expect(50, "ip_change,user_agent_change");
  creations_ = 6;
  expect(90, "ip_change,user_agent_change,rapid_session_creation");
}

TEST_F(SessionRiskTest, HowManyANetworkCreatesIsAskedOfStrangersWithAnotherBrowserOnly) {
  const auto asks = [&] {
    const auto standing = identity::standing_of(session_, presenter_, use_, now_);
    return asks_for_creations({session_, presenter_, use_, standing, 0, now_});
  };
  EXPECT_FALSE(asks());
  come_from_elsewhere();
  EXPECT_FALSE(asks()) << "who moves into a mobile network is one of thousands there";
  use_another_browser();
  EXPECT_TRUE(asks());
  presenter_.network = owner_.network;
  EXPECT_FALSE(asks());
  session_.owner.reset();
  EXPECT_FALSE(asks());
}

TEST_F(SessionRiskTest, MoreThanAHundredMessagesInTheFirstHourAreTwentyFivePointsForWhoSentThem) {
  PROVES("F034,F032");
  use_.owner_early = 100;
  use_.others_early = 101;
  expect(0, "");
  use_.owner_early = 101;
  use_.others_early = 100;
  expect(25, "high_message_frequency");
  come_from_elsewhere();
  expect(30, "ip_change");
  use_.others_early = 101;
  expect(30, "ip_change");  // the owner himself may be there: what others sent is not his
  use_another_browser();
  expect(75, "ip_change,user_agent_change,high_message_frequency");
}

TEST_F(SessionRiskTest, MoreThanTwoDaysAreFifteenPoints) {
  PROVES("F035,F032");
  session_.created = now_ - Seconds{48 * 3600};
  expect(0, "");
  session_.created -= Seconds{1};
  expect(15, "long_session_duration");
}

TEST_F(SessionRiskTest, AllTogetherAreAHundredAtMost) {
  PROVES("F027,F032");
  session_.created = now_ - Seconds{49 * 3600};
  use_.owner_active = now_;
  use_.others_early = 101;
  creations_ = 6;
  come_from_elsewhere();
  use_another_browser();
  presenter_.platform = Platform::android;
  expect(100,
         "ip_change,user_agent_change,platform_change,two_networks,rapid_session_creation,"
         "high_message_frequency,long_session_duration");
}

TEST_F(SessionRiskTest, ATokenThatSaysNothingOfItsOwnerSpeaksAgainstNobody) {
  session_.owner.reset();
  session_.created = now_ - Seconds{49 * 3600};
  use_.owner_early = use_.others_early = 1000;
  creations_ = 100;
  come_from_elsewhere();
  use_another_browser();
  expect(0, "");
}

}  // namespace
}  // namespace portcullis::guards

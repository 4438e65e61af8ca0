#include "guards/rate/conduct.hpp"

#include <gtest/gtest.h>

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"
#include "state/memory_store.hpp"

namespace portcullis::guards {
namespace {

class Sink final : public audit::Sink {
 public:
  void record(const audit::Event& event) override { events.push_back(event); }
  std::vector<audit::Event> events;
};

class ConductTest : public testing::Test {
 protected:
  ConductTest() {
    settings_.reputation_enabled = true;
    settings_.reputation_alert = 50;
    site_.id = "default";
  }
  /// The reputation of the caller after a refusal of this level.
  double refuse(audit::ThreatLevel level, const std::string& fields = "",
                const std::function<void(http::Exchange&)>& with = {},
                audit::EventType type = audit::EventType::input_validation) {
    http::MemoryExchange exchange(worker_, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    exchange.route = &route_;
    exchange.site = &site_;
    exchange.client.peer = exchange.client.address = *IpAddress::parse("203.0.113.7");
    if (with) with(exchange);
    const Conduct conduct(settings_, store_, reporter_);
    spawn(conduct.refused(exchange, {type, level, "VAL_002", "x"}));
    return score(exchange);
  }
  double score(const http::Exchange& exchange) {
    return *store_.note(Caller::of(exchange).subject.key, 0).value();
  }

  ManualClock clock_;
  net::Worker worker_{0, clock_};
  config::Settings settings_;
  state::MemoryStore store_{{}, clock_};
  Sink sink_;
  pipeline::Reporter reporter_{&sink_, false, [](const http::SessionClaims&) { return "handle"; }};
  pipeline::Route route_;
  pipeline::Site site_;
};

TEST_F(ConductTest, ARefusalCostsByHowGraveItIsAndIsForgottenByHalves) {
  PROVES("F194");
  EXPECT_NEAR(refuse(audit::ThreatLevel::low), -1, 0.01);
  EXPECT_NEAR(refuse(audit::ThreatLevel::medium), -6, 0.01);
  EXPECT_NEAR(refuse(audit::ThreatLevel::high), -16, 0.01);
  EXPECT_NEAR(refuse(audit::ThreatLevel::critical), -41, 0.01);
  clock_.advance(Seconds{3600});
  EXPECT_NEAR(refuse(audit::ThreatLevel::low), -21.5, 0.01);
  for (int i = 0; i < 10; ++i) refuse(audit::ThreatLevel::critical);
  EXPECT_NEAR(refuse(audit::ThreatLevel::critical), -100, 0.01) << "no worse than that";
}

TEST_F(ConductTest, AFallBelowTheThresholdIsReportedOnce) {
  PROVES("F194");
  for (int i = 0; i < 4; ++i) refuse(audit::ThreatLevel::high);
  EXPECT_TRUE(sink_.events.empty());
  for (int i = 0; i < 3; ++i) refuse(audit::ThreatLevel::high);
  ASSERT_EQ(sink_.events.size(), 1U);
  EXPECT_EQ(sink_.events[0].codes, std::vector<std::string>{"REP_001"});
  EXPECT_EQ(sink_.events[0].source_ip.text(), "203.0.113.7");
  EXPECT_EQ(sink_.events[0].decision, audit::EventDecision::acted);
  clock_.advance(Seconds{3 * 3600});
  for (int i = 0; i < 5; ++i) refuse(audit::ThreatLevel::high);
  EXPECT_EQ(sink_.events.size(), 2U) << "again when it was better meanwhile";
}

TEST_F(ConductTest, NobodySuffersForWhatIsNotHisDoing) {
  const auto level = audit::ThreatLevel::critical;
  EXPECT_EQ(refuse(level, "Sec-Fetch-Site: cross-site\r\n"), 0) << "a hostile page";
  EXPECT_EQ(refuse(level, "", {}, audit::EventType::system_integrity), 0) << "our own failure";
  EXPECT_EQ(refuse(level, "",
                   [](http::Exchange& exchange) {
                     exchange.client.peer = exchange.client.address = *IpAddress::parse("10.0.0.1");
                     exchange.client.forwarded_by_stranger = true;
                   }),
            0)
      << "a proxy that somebody forgot to configure";
  settings_.never_blocked = {*Cidr::parse("203.0.113.0/24")};
  EXPECT_EQ(refuse(level), 0) << "an address that an operator trusts";
  settings_.never_blocked.clear();
  settings_.reputation_enabled = false;
  EXPECT_EQ(refuse(level), 0);
  settings_.reputation_enabled = true;
  EXPECT_NEAR(refuse(level, "Sec-Fetch-Site: cross-site\r\n",
                     [](http::Exchange& exchange) {
                       exchange.origin = Origin::parse("https://shop.example");
                     }),
              -25, 0.01)
      << "an embedded widget is cross-site, too, and has an allowed origin";
}

TEST_F(ConductTest, AVerifiedUserAnswersForHimselfAndNotForHisAddress) {
  const auto as_user = [](http::Exchange& exchange) {
    exchange.principal.kind = http::Principal::Kind::user;
    exchange.principal.id = "ann";
  };
  EXPECT_NEAR(refuse(audit::ThreatLevel::high, "", as_user), -10, 0.01);
  EXPECT_NEAR(refuse(audit::ThreatLevel::low), -1, 0.01) << "the address";
}

}  // namespace
}  // namespace portcullis::guards

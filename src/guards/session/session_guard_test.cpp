#include "guards/session/session_guard.hpp"

#include <string>

#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

using Status = http::SessionState::Status;

class SessionGuardTest : public testing::Test {
 protected:
  SessionGuardTest() {
    route_.session = pipeline::SessionNeed::required;
    site_.id = "default";
    exchange_.route = &route_;
    exchange_.site = &site_;
    exchange_.origin = *Origin::parse("https://www.example.com");
    http::SessionClaims claims;
    claims.site = "default";
    claims.origin = "https://www.example.com";
    exchange_.principal.session = claims;
  }
  pipeline::Verdict decide() {
    auto decision = make_session_guard()->on_request(exchange_);
    return *decision.value();
  }
  void expect_refused(http::Code code) {
    const auto verdict = decide();
    ASSERT_EQ(verdict.kind, pipeline::Verdict::Kind::refuse);
    EXPECT_EQ(verdict.problem.code, code);
  }

  net::Worker worker_{0};
  pipeline::Route route_;
  pipeline::Site site_;
  http::MemoryExchange exchange_{worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"};
};

TEST_F(SessionGuardTest, PassesALiveSession) {
  for (const auto status : {Status::silent, Status::live, Status::provisional}) {
    exchange_.session_state.status = status;
    EXPECT_EQ(decide().kind, pipeline::Verdict::Kind::pass);
  }
  exchange_.origin.reset();
  EXPECT_EQ(decide().kind, pipeline::Verdict::Kind::pass) << "a route without Origin";
}

TEST_F(SessionGuardTest, RefusesWithoutASessionAndOneThatIsOver) {
  for (const auto status : {Status::ended, Status::expired}) {
    exchange_.session_state.status = status;
    expect_refused(http::Code::session_invalid);
  }
  exchange_.principal.session.reset();
  expect_refused(http::Code::session_invalid);
  EXPECT_EQ(decide().incident.level, audit::ThreatLevel::low);
  exchange_.principal.credential_rejected = true;
  expect_refused(http::Code::session_invalid);
  EXPECT_EQ(decide().incident.level, audit::ThreatLevel::medium) << "a forged credential";
}

TEST_F(SessionGuardTest, ASessionIsOfItsSiteAndOrigin) {
  exchange_.principal.session->site = "shop";
  expect_refused(http::Code::invalid_origin);
  exchange_.principal.session->site = "default";
  exchange_.principal.session->origin = "https://other.example.com";
  expect_refused(http::Code::invalid_origin);
}

TEST_F(SessionGuardTest, RoutesWithoutNeedPassEverybody) {
  route_.session = pipeline::SessionNeed::none;
  exchange_.principal.session.reset();
  EXPECT_EQ(decide().kind, pipeline::Verdict::Kind::pass);
}

}  // namespace
}  // namespace portcullis::guards

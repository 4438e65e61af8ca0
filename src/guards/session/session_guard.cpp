#include "guards/session/session_guard.hpp"

#include "guards/blocks/blocks_guard.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using pipeline::Verdict;

Verdict unauthorized(std::string reason, ThreatLevel level = ThreatLevel::low) {
  return Verdict::refuse(http::Problem(http::Code::session_invalid),
                         {EventType::authentication, level, "SES_001", std::move(reason)});
}

/// Whether the session was in use before its address was blocked.
bool stood_before(const http::Exchange& exchange) {
  return is_from_before_block(exchange) &&
         exchange.session_state.status == http::SessionState::Status::live;
}

class SessionGuard final : public pipeline::Guard {
 public:
  std::string_view name() const noexcept override { return "session"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (exchange.route->session == pipeline::SessionNeed::none) return Verdict::pass();
    const auto& principal = exchange.principal;
    if (exchange.client.blocked_since && !stood_before(exchange)) {
      return refuse_blocked(std::nullopt, "blocked address, and a session that is new");
    }
    if (!principal.session) {
      return principal.credential_rejected
                 ? unauthorized("the credential does not verify", ThreatLevel::medium)
                 : unauthorized("no session");
    }
    using Status = http::SessionState::Status;
    if (exchange.session_state.status == Status::ended)
      return unauthorized("the session has ended");
    if (exchange.session_state.status == Status::expired)
      return unauthorized("the session has expired");
    const auto& claims = *principal.session;
    const bool other_origin = exchange.origin && claims.origin != exchange.origin->text();
    if (claims.site != exchange.site->id || other_origin) {
      return Verdict::refuse(
          http::Problem(http::Code::invalid_origin, "The session belongs to another origin."),
          {EventType::authorization, ThreatLevel::medium, "SES_002",
           "session used from another origin"});
    }
    return Verdict::pass();
  }
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_session_guard() { return std::make_unique<SessionGuard>(); }

}  // namespace portcullis::guards

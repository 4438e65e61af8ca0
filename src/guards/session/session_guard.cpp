#include "guards/session/session_guard.hpp"

#include "guards/blocks/blocks_guard.hpp"
#include "guards/credentials/key_proofs.hpp"
#include "guards/session/session_risk.hpp"
#include "identity/session_keys.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using identity::SessionKeys;
using identity::Standing;
using pipeline::Verdict;

constexpr std::string_view kName = "session";

Verdict unauthorized(std::string reason, ThreatLevel level = ThreatLevel::low) {
  return Verdict::refuse(http::Problem(http::Code::session_invalid),
                         {EventType::authentication, level, "SES_001", std::move(reason)});
}

/// Its key is somebody else's, or the proof by it is not for this request. A clock that is wrong is
/// no attack.
Verdict refuse_unproven(const http::Exchange& exchange) {
  using identity::JwtFault;
  const std::string& fault = exchange.principal.fault;
  const bool is_clock = fault.starts_with(code_of(JwtFault::issued_in_future)) ||
                        fault.starts_with(code_of(JwtFault::too_old));
  return Verdict::refuse(
      identity::dpop_problem(http::Code::proof_invalid, exchange.started_wall()),
      {EventType::authentication, is_clock ? ThreatLevel::low : ThreatLevel::medium, "SES_008",
       "a session without a proof by its key: " + fault});
}

/// Whether the session was in use before its address was blocked.
bool stood_before(const http::Exchange& exchange) {
  return is_from_before_block(exchange) &&
         exchange.session_state.status == http::SessionState::Status::live;
}

class SessionGuard final : public pipeline::Guard {
 public:
  SessionGuard(const config::Settings& settings, const LimitParts& limits, SessionParts parts)
      : store_(limits.store), response_(kName, settings, limits, std::move(parts)) {}
  std::string_view name() const noexcept override { return kName; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& proof = exchange.principal.proof;
    if (proof && !proof->is_spent) return spend_proof(exchange);
    return look_at(exchange);
  }

 private:
  /// Where the rate guard has not.
  Task<Result<Verdict>> spend_proof(http::Exchange& exchange) const {
    auto& principal = exchange.principal;
    state::AdmitRequest request;
    request.add(
        identity::dpop_charge(*principal.proof, principal.session ? &*principal.session : nullptr));
    const auto answer = co_await store_.admit(request);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->admission.admitted) {
      principal.proof->is_spent = true;
    } else {
      forget_replayed(exchange);
    }
    co_return co_await look_at(exchange);
  }

  pipeline::Decision look_at(http::Exchange& exchange) const {
    if (exchange.route->session == pipeline::SessionNeed::none) return Verdict::pass();
    const auto& principal = exchange.principal;
    if (exchange.client.blocked_since && !stood_before(exchange)) {
      return refuse_blocked(std::nullopt, "blocked address, and a session that is new");
    }
    if (principal.unproven && !principal.session) return refuse_unproven(exchange);
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
    if (!exchange.presenter) return Verdict::pass();
    using Revoked = http::SessionState::Revoked;
    switch (exchange.session_state.revoked) {
      case Revoked::unasked:
        return look_for_revocation(exchange);
      case Revoked::yes:
        return look_closer(exchange);
      case Revoked::no:
      case Revoked::unknown:
        break;
    }
    return judge(exchange);
  }

  /// Where the rate guard has asked something else.
  Task<Result<Verdict>> look_for_revocation(http::Exchange& exchange) const {
    const auto& session = *exchange.principal.session;
    const SessionKeys keys(session, *exchange.presenter);
    state::AdmitRequest request;
    request.may_be_revoked_by(keys.token());
    request.may_be_revoked_by(keys.shut_out());
    identity::may_be_revoked_with_others(request, session);
    request.issued = session.issued;
    const auto answer = co_await store_.admit(request);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->revoked) co_return co_await look_closer(exchange);
    co_return co_await judge(exchange);
  }

  static PresenterEvidence evidence_of(const http::Exchange& exchange) {
    const auto& session = *exchange.principal.session;
    const auto& use = exchange.session_state.use;
    const WallTime now = exchange.started_wall();
    return {session, *exchange.presenter,
            use,     identity::standing_of(session, *exchange.presenter, use, now),
            0,       now};
  }

  /// Either he was shut out, or his token was replaced. That one lives a little longer where it
  /// was issued, for what is under way.
  Task<Result<Verdict>> look_closer(http::Exchange& exchange) const {
    const auto evidence = evidence_of(exchange);
    const SessionKeys keys(evidence.session, evidence.presenter);
    auto request = keys.replacements().asking();
    // In a network where a thief was shut out the owner himself may turn up.
    const bool is_suspicious =
        judge_presenter(evidence).points() >= exchange.site->session_risk.alert;
    const bool is_elsewhere = evidence.standing == Standing::stranger;
    if (is_suspicious || !is_elsewhere) request.may_be_revoked_by(keys.shut_out());
    identity::may_be_revoked_with_others(request, evidence.session);
    request.issued = evidence.session.issued;
    const auto answer = co_await store_.admit(request);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->revoked) {
      co_return unauthorized("who presents the session was shut out, or it was ended with others");
    }
    if (is_elsewhere) {
      // None of his tokens was replaced: that is done at home.
      if (!is_suspicious) co_return co_await judge(exchange);
      co_return unauthorized("who presents the session was shut out");
    }
    if (state::Tally::count(*answer) == 0) {
      co_return unauthorized("the token was replaced by a fresh one", ThreatLevel::medium);
    }
    co_return co_await judge(exchange);
  }

  pipeline::Decision judge(http::Exchange& exchange) const {
    if (exchange.site->session_risk.mode == config::Mode::off) return Verdict::pass();
    const auto evidence = evidence_of(exchange);
    if (!asks_for_creations(evidence)) return respond(exchange, evidence);
    auto creations = store_.admit(state::session_creations(exchange.client.address).asking());
    if (!creations.ready()) return wait(exchange, std::move(creations));
    return respond(exchange, evidence, creations.value());
  }

  Task<Result<Verdict>> wait(http::Exchange& exchange,
                             Eventual<Result<state::AdmitAnswer>> creations) const {
    const auto answer = co_await creations;
    co_return co_await respond(exchange, evidence_of(exchange), answer);
  }

  pipeline::Decision respond(http::Exchange& exchange, PresenterEvidence evidence,
                             const Result<state::AdmitAnswer>& creations) const {
    if (!creations) return std::unexpected(creations.error());
    evidence.creations = state::Tally::count(*creations);
    return respond(exchange, evidence);
  }

  pipeline::Decision respond(http::Exchange& exchange, const PresenterEvidence& evidence) const {
    const Score score = judge_presenter(evidence);
    if (score.points() < exchange.site->session_risk.alert) return Verdict::pass();
    return response_.to(exchange, score, evidence.standing);
  }

  state::Store& store_;
  const RiskResponse response_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_session_guard(const config::Settings& settings,
                                                    const LimitParts& limits, SessionParts parts) {
  return std::make_unique<SessionGuard>(settings, limits, std::move(parts));
}

}  // namespace portcullis::guards

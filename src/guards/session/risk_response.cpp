#include "guards/session/risk_response.hpp"

#include <algorithm>

#include "identity/session_cookie.hpp"
#include "identity/session_keys.hpp"

namespace portcullis::guards {
namespace {

using audit::EventDecision;
using audit::EventType;
using audit::ThreatLevel;
using identity::SessionKeys;
using identity::Standing;
using pipeline::Verdict;

constexpr Seconds kShutOut{3600};

pipeline::Incident incident(ThreatLevel level, std::string code, std::string text,
                            const Score& score) {
  text += ": " + std::to_string(score.points()) + " points for " + score.text();
  pipeline::Incident out{EventType::authentication, level, std::move(code), std::move(text)};
  out.details = {{"risk_score", std::to_string(score.points())}, {"risk_grounds", score.text()}};
  return out;
}

Verdict denial(const Score& score, Standing standing) {
  const bool ends = standing == Standing::owner;
  return Verdict::refuse(http::Problem(http::Code::session_invalid),
                         incident(ThreatLevel::high, ends ? "SES_007" : "SES_006",
                                  ends ? "the session ends: its own owner is too suspicious"
                                       : "who presents the session may not use it for an hour",
                                  score));
}

/// Whether he comes from where the session was given out, be it with another browser.
bool is_at_home(const http::Exchange& exchange) {
  const auto& session = *exchange.principal.session;
  return session.owner && !identity::is_elsewhere(session, *exchange.presenter);
}

pipeline::Incident challenge_of(const Score& score) {
  return incident(ThreatLevel::low, "SES_005", "who presents the session is challenged", score);
}

}  // namespace

RiskResponse::RiskResponse(std::string_view guard, const config::Settings& settings,
                           const LimitParts& limits, SessionParts parts)
    : guard_(guard),
      settings_(settings),
      parts_(std::move(parts)),
      desk_(settings, limits),
      charges_(guard, settings, limits),
      store_(limits.store),
      outcomes_(limits.metrics.counter("portcullis_session_risk_total")),
      grounds_(limits.metrics.counter("portcullis_session_suspicions_total")) {}

Task<Result<Verdict>> RiskResponse::to(http::Exchange& exchange, Score score,
                                       Standing standing) const {
  const auto& risk = exchange.site->session_risk;
  const bool site_enforces = risk.mode == config::Mode::enforce;
  const bool enforced = site_enforces && exchange.route->enforces(guard_);
  const SessionKeys keys(*exchange.principal.session, *exchange.presenter);
  const auto told = co_await store_.admit(keys.suspicions().adding());
  if (!told) co_return std::unexpected(told.error());
  const bool first = state::Tally::count(*told) <= 1;
  if (first) tell(exchange, score, enforced);

  const bool denied = score.points() > risk.deny;
  if (!enforced) {
    if (!site_enforces) co_return Verdict::pass();
    co_return denied ? denial(score, standing) : Verdict::challenge(challenge_of(score));
  }
  if (!denied) co_return co_await slow(exchange, score, first);
  const auto done = co_await shut_out(exchange, standing);
  if (!done) co_return std::unexpected(done.error());
  co_return denial(score, standing);
}

/// Once for each presenter of a session.
void RiskResponse::tell(const http::Exchange& exchange, const Score& score, bool enforced) const {
  count("alerted");
  for (const auto ground : score.grounds()) {
    grounds_.add(grounds_.cell({std::string(ground)}));
  }
  parts_.reporter.report(
      exchange,
      incident(ThreatLevel::medium, "SES_004", "who presents the session is suspicious", score),
      enforced ? EventDecision::acted : EventDecision::would_refuse, guard_);
}

Task<Result<void>> RiskResponse::shut_out(http::Exchange& exchange, Standing standing) const {
  const auto& session = *exchange.principal.session;
  if (standing == Standing::owner) {
    const auto ended = co_await store_.end_session(session.id, session.created);
    if (!ended) co_return ended;
    parts_.drop(state::session_key(session.id));
    count("ended");
    co_return Result<void>{};
  }
  const WallTime until = exchange.started_wall() + kShutOut;
  const SessionKeys keys(session, *exchange.presenter);
  const auto done = co_await store_.revoke({keys.shut_out(), until, until});
  if (done) count("shut_out");
  co_return done;
}

Task<Result<Verdict>> RiskResponse::slow(http::Exchange& exchange, Score score, bool first) const {
  using Payment = ChallengeDesk::Payment;
  const SessionKeys keys(*exchange.principal.session, *exchange.presenter);
  if (desk_.asks(exchange)) {
    const auto paid = co_await store_.admit(keys.payments().asking());
    if (!paid) co_return std::unexpected(paid.error());
    const bool has_paid = state::Tally::count(*paid) > 0;
    if (!has_paid) {
      const auto payment = co_await desk_.take(exchange);
      if (!payment) co_return std::unexpected(payment.error());
      if (*payment != Payment::paid) {
        count("challenged");
        co_return co_await desk_.ask(exchange, *payment, challenge_of(score), std::nullopt);
      }
      const auto noted = co_await store_.admit(keys.payments().adding());
      if (!noted) co_return std::unexpected(noted.error());
    }
    // Never with the request that made him suspicious, and never for somebody from elsewhere:
    // whoever has stolen a token can do some work, too. Again where he shows the old one once
    // more: the answer with the fresh one may never have reached him.
    const bool was_replaced = exchange.session_state.revoked == http::SessionState::Revoked::yes;
    // Nor where nobody would get it: a connection's messages have no answer of their own.
    if (!exchange.vouched && is_at_home(exchange) && (has_paid ? was_replaced : !first)) {
      const auto renewed = co_await renew(exchange);
      if (!renewed) co_return std::unexpected(renewed.error());
    }
  }
  state::AdmitRequest request;
  charges_.add_quarter(request, exchange,
                       [&](const state::Space& tier) { return keys.window(tier); });
  if (request.count == 0) co_return Verdict::pass();
  const auto answer = co_await store_.admit(request);
  if (!answer) co_return std::unexpected(answer.error());
  co_return charges_.judge(exchange, request, answer->admission);
}

/// A fresh token for a presenter who is, with the work that he has done, as good as the owner. What
/// he shows of himself is the owner's from now on. The old one is void for him alone, a little
/// later: nobody else in that network is driven out by it.
Task<Result<void>> RiskResponse::renew(http::Exchange& exchange) const {
  auto session = *exchange.principal.session;
  const SessionKeys keys(session, *exchange.presenter);
  const auto replaced = co_await store_.admit(keys.replacements().asking());
  if (!replaced) co_return std::unexpected(replaced.error());
  const auto now = std::chrono::floor<Milliseconds>(exchange.worker().clock().wall());
  session.issued = std::max<WallTime>(now, session.issued + Milliseconds{1});
  if (state::Tally::count(*replaced) == 0) {
    // Counted once, so that the old one is not kept alive by asking again and again.
    const auto noted = co_await store_.admit(keys.replacements().adding());
    if (!noted) co_return std::unexpected(noted.error());
    const auto voided = co_await store_.revoke({keys.token(), session.issued, session.expires});
    if (!voided) co_return voided;
  }
  session.rapid = false;
  session.owner = *exchange.presenter;
  count("renewed");
  exchange.fresh_token =
      identity::fresh_token_header(settings_, exchange, session, parts_.tokens.issue(session));
  co_return Result<void>{};
}

void RiskResponse::count(std::string_view outcome) const {
  outcomes_.add(outcomes_.cell({std::string(outcome)}));
}

}  // namespace portcullis::guards

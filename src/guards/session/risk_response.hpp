#pragma once
#include <functional>

#include "guards/bot/score.hpp"
#include "guards/challenge/challenge_desk.hpp"
#include "guards/rate/charges.hpp"
#include "identity/session_tokens.hpp"
#include "pipeline/reporter.hpp"

namespace portcullis::guards {

/// What the session guard works with, beside limits.
struct SessionParts {
  const identity::SessionTokens& tokens;
  const pipeline::Reporter& reporter;
  /// Lets go of what is kept of a session that ends, and of its streams.
  std::function<void(const state::Key& session)> drop;
};

/// What follows for somebody who presents a session and has as many points as a site tells of, or
/// more: he is told of, has a quarter of the limits and is challenged; with too many he is shut out
/// for an hour, and where he is the owner the session ends.
///
/// Threads: immutable; any worker.
/// Errors:  the store's; nothing of it is answered with a token then.
class RiskResponse {
 public:
  RiskResponse(std::string_view guard, const config::Settings& settings, const LimitParts& limits,
               SessionParts parts);

  /// REQUIRES: exchange.presenter, and points of at least the site's alert.
  Task<Result<pipeline::Verdict>> to(http::Exchange& exchange, Score score,
                                     identity::Standing standing) const;

 private:
  Task<Result<void>> shut_out(http::Exchange& exchange, identity::Standing standing) const;
  Task<Result<pipeline::Verdict>> slow(http::Exchange& exchange, Score score, bool first) const;
  Task<Result<void>> renew(http::Exchange& exchange) const;
  void tell(const http::Exchange& exchange, const Score& score, bool enforced) const;
  void count(std::string_view outcome) const;

  const std::string_view guard_;
  const config::Settings& settings_;
  const SessionParts parts_;
  const ChallengeDesk desk_;
  const Charges charges_;
  state::Store& store_;
  observe::CounterFamily& outcomes_;
  observe::CounterFamily& grounds_;
};

}  // namespace portcullis::guards

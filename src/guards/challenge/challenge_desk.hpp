#pragma once
#include "guards/rate/charges.hpp"
#include "identity/challenges.hpp"

namespace portcullis::guards {

/// Hands out challenges in place of refusals, and takes what they were solved with: once each. The
/// bot guard asks machines, the rate guard new visitors of a site whose window is spent.
///
/// Threads: immutable; any worker.
class ChallengeDesk {
 public:
  ChallengeDesk(const config::Settings& settings, const LimitParts& parts);

  /// Whether who sent this can be challenged: a page's script, where challenges are on.
  bool asks(const http::Exchange& exchange) const noexcept;
  /// Whether the request brings a good solution that has not been used yet. It is used now.
  Task<Result<bool>> is_paid(const http::Exchange& exchange) const;
  /// A challenge; who cannot solve it waits for `retry_after` seconds.
  Task<Result<pipeline::Verdict>> ask(const http::Exchange& exchange, pipeline::Incident about,
                                      std::int64_t retry_after) const;

 private:
  static std::string holder_of(const http::Exchange& exchange);
  Task<Result<std::uint32_t>> steps_for(const http::Exchange& exchange) const;

  const bool asked_;
  const std::uint32_t steps_;
  const identity::Challenges challenges_;
  state::Store& store_;
  observe::CounterFamily& count_;
};

}  // namespace portcullis::guards

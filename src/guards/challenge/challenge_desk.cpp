#include "guards/challenge/challenge_desk.hpp"

#include <algorithm>

namespace portcullis::guards {
namespace {

using identity::Challenges;
using pipeline::Verdict;
using state::AdmitRequest;

constexpr Seconds kLife{300};
/// Each so many challenges of ten minutes make the next ones harder, up to so many times.
constexpr std::int64_t kChallengesPerStep = 4;
constexpr std::int64_t kHardest = 10;

constexpr std::string_view kSolutionHeader = "x-challenge-solution";

}  // namespace

ChallengeDesk::ChallengeDesk(const config::Settings& settings, const LimitParts& parts)
    : asked_(settings.bot_challenge == config::BotChallenge::proof_of_work),
      steps_(static_cast<std::uint32_t>(settings.bot_challenge_steps)),
      challenges_(parts.challenge_secret),
      store_(parts.store),
      count_(parts.metrics.counter("portcullis_challenges_total")) {}

bool ChallengeDesk::asks(const http::Exchange& exchange) const noexcept {
  return asked_ && exchange.route->kind == pipeline::RouteKind::browser;
}

Task<Result<bool>> ChallengeDesk::is_paid(const http::Exchange& exchange) const {
  const auto solution = exchange.head().find(kSolutionHeader);
  if (!solution) co_return false;
  const auto checked = challenges_.check(*solution, holder_of(exchange), exchange.started_wall());
  using Outcome = Challenges::Outcome;
  if (checked.outcome != Outcome::solved) {
    count_.add(count_.cell({checked.outcome == Outcome::expired ? "expired" : "wrong"}));
    co_return false;
  }
  // A window of one unit, longer than the solution is good for: nobody gets a second one.
  AdmitRequest once;
  once.add({"challenge", state::key_of("challenge", checked.salt), 1, 2 * kLife});
  const auto answer = co_await store_.admit(once);
  if (!answer) co_return std::unexpected(answer.error());
  count_.add(count_.cell({answer->admission.admitted ? "solved" : "used"}));
  co_return answer->admission.admitted;
}

Task<Result<Verdict>> ChallengeDesk::ask(const http::Exchange& exchange, pipeline::Incident about,
                                         std::int64_t retry_after) const {
  const auto steps = co_await steps_for(exchange);
  if (!steps) co_return std::unexpected(steps.error());
  auto out = Verdict::challenge(std::move(about));
  out.problem.detail =
      "Please solve the challenge and send the request again with X-Challenge-Solution, or wait.";
  out.problem.retry_after = retry_after;
  out.problem.members =
      "\"challenge\":" +
      challenges_.make(holder_of(exchange), *steps, kLife, exchange.started_wall()).json();
  count_.add(count_.cell({"asked"}));
  co_return out;
}

/// Whom a challenge is for: this session, or this address, on this site.
std::string ChallengeDesk::holder_of(const http::Exchange& exchange) {
  std::string out = exchange.site->id;
  out += ' ';
  if (const auto& session = exchange.principal.session) {
    out.append(reinterpret_cast<const char*>(session->id.data()), session->id.size());
  } else {
    out += Caller::of(exchange).name();
  }
  return out;
}

/// How far this caller must search: the further, the more often it was asked of late.
Task<Result<std::uint32_t>> ChallengeDesk::steps_for(const http::Exchange& exchange) const {
  constexpr std::uint32_t kMany = 1'000'000'000;
  AdmitRequest asked;
  asked.add({"challenges", Caller::of(exchange).place.in("challenges"), kMany, Seconds{600}});
  const auto answer = co_await store_.admit(asked);
  if (!answer) co_return std::unexpected(answer.error());
  // By the limit as it was judged by: a node that is by itself has its part of it.
  const std::int64_t limit = answer->admission.limit;
  const std::int64_t before = std::max(std::int64_t{0}, limit - 1 - answer->admission.remaining);
  const std::int64_t times = std::min(kHardest, 1 + before / kChallengesPerStep);
  co_return steps_* static_cast<std::uint32_t>(times);
}

}  // namespace portcullis::guards

#include "guards/challenge/challenge_desk.hpp"

#include <algorithm>

#include "base/json_text.hpp"
#include "state/tally.hpp"

namespace portcullis::guards {
namespace {

using config::ChallengeFallback;
using identity::Challenges;
using pipeline::Verdict;
using state::AdmitRequest;

/// Each so many challenges of ten minutes make the next ones harder, up to so many times.
constexpr std::int64_t kChallengesPerStep = 4;
constexpr std::int64_t kHardest = 10;
/// Tokens of one caller about which a provider is asked in a minute.
constexpr std::uint32_t kTokensPerMinute = 10;

constexpr std::string_view kSolutionHeader = "x-challenge-solution";

std::string_view name_of(Challenges::Outcome outcome) noexcept {
  switch (outcome) {
    case Challenges::Outcome::solved:
      return "solved";
    case Challenges::Outcome::wrong:
      return "wrong";
    case Challenges::Outcome::expired:
      return "expired";
  }
  return {};
}

std::string_view name_of(CaptchaOutcome outcome) noexcept {
  switch (outcome) {
    case CaptchaOutcome::solved:
      return "solved";
    case CaptchaOutcome::wrong:
      return "wrong";
    case CaptchaOutcome::expired:
      return "expired";
    case CaptchaOutcome::foreign:
      return "foreign";
  }
  return {};
}

/// Something that serves once: a window of one unit, longer than it is good for.
state::Charge once(const state::Key& key) { return {"challenge", key, 1, 2 * kChallengeLife}; }

}  // namespace

ChallengeDesk::ChallengeDesk(const config::Settings& settings, const LimitParts& parts)
    : steps_(static_cast<std::uint32_t>(settings.bot_challenge_steps)),
      fallback_(settings.captcha_fallback),
      challenges_(parts.challenge_secret),
      store_(parts.store),
      count_(parts.metrics.counter("portcullis_challenges_total")) {
  for (std::size_t i = 0; i < settings.sites.size(); ++i) {
    const auto kind = settings.sites[i].challenge.kind.value_or(settings.bot_challenge);
    Site site{.asked = kind != config::BotChallenge::off};
    if (i < parts.captchas.size() && parts.captchas[i]) {
      site.provider = config::captcha_provider(kind);
      site.verifier = parts.captchas[i].get();
    }
    sites_.push_back(site);
  }
}

bool ChallengeDesk::asks(const http::Exchange& exchange) const noexcept {
  return site_of(exchange).asked && exchange.route->kind == pipeline::RouteKind::browser;
}

Task<Result<ChallengeDesk::Payment>> ChallengeDesk::take(http::Exchange& exchange) const {
  // Two guards may ask for it, and it is spent once.
  if (exchange.challenge_paid) co_return Payment::paid;
  auto payment = co_await take_solution(exchange);
  exchange.challenge_paid = payment && *payment == Payment::paid;
  co_return payment;
}

Task<Result<ChallengeDesk::Payment>> ChallengeDesk::take_solution(http::Exchange& exchange) const {
  const auto sent = exchange.head().find(kSolutionHeader);
  if (!sent) co_return Payment::none;
  if (const auto* provider = site_of(exchange).provider) {
    if (const auto ticket = declined_ticket(*sent)) co_return take_word(exchange, *ticket);
    if (const auto token = CaptchaSolution::parse(*sent, *provider)) {
      co_return co_await take_token(exchange, *token);
    }
  }
  // Whatever a site asks for by now: work that was asked for is accepted.
  co_return co_await take_work(exchange, *sent);
}

Task<Result<ChallengeDesk::Payment>> ChallengeDesk::take_work(http::Exchange& exchange,
                                                              std::string_view solution) const {
  const auto checked = challenges_.check(solution, holder_of(exchange), exchange.started_wall());
  if (checked.outcome != Challenges::Outcome::solved) {
    co_return counted(Payment::none, name_of(checked.outcome));
  }
  AdmitRequest request;
  request.add(once(state::key_of("challenge", checked.salt)));
  const auto answer = co_await store_.admit(request);
  if (!answer) co_return std::unexpected(answer.error());
  co_return answer->admission.admitted ? counted(Payment::paid, "solved")
                                       : counted(Payment::none, "used");
}

/// Nobody is asked about a token before it and its ticket are spent here: what is sent again and
/// again costs the provider nothing.
Task<Result<ChallengeDesk::Payment>> ChallengeDesk::take_token(http::Exchange& exchange,
                                                               CaptchaSolution solution) const {
  const auto ticket =
      challenges_.check_ticket(solution.ticket, holder_of(exchange), exchange.started_wall());
  if (ticket.outcome != Challenges::Outcome::solved) {
    co_return counted(Payment::none, name_of(ticket.outcome));
  }
  AdmitRequest request;
  request.add(once(state::key_of("challenge", ticket.salt)));
  request.add(once(state::key_of("challenge-token", solution.token)));
  request.add({"challenge", Caller::of(exchange).place.in("challenge-tokens"), kTokensPerMinute,
               Seconds{60}});
  const std::size_t of_caller = request.count - 1;
  const auto answer = co_await store_.admit(request);
  if (!answer) co_return std::unexpected(answer.error());
  const auto& admission = answer->admission;
  if (admission.admitted) co_return co_await check_token(exchange, solution);
  co_return counted(Payment::none, admission.decided_by == of_caller ? "limited" : "used");
}

Task<Result<ChallengeDesk::Payment>> ChallengeDesk::check_token(http::Exchange& exchange,
                                                                CaptchaSolution solution) const {
  const Site& site = site_of(exchange);
  const auto answer =
      co_await site.verifier->verify(exchange, {std::string(solution.token), holder_of(exchange)});
  if (!answer) {
    // Who fills all places at the provider must not get work for it, which may be cheaper.
    const bool asked_too_much =
        answer.error().code == ErrorCode::exhausted || answer.error().code == ErrorCode::cancelled;
    co_return counted(asked_too_much ? Payment::none : Payment::unchecked, "unavailable");
  }
  const auto outcome = judge_captcha(*answer, {*site.provider, solution.ticket, *exchange.site,
                                               exchange.origin, exchange.worker().clock().wall()});
  co_return counted(outcome == CaptchaOutcome::solved ? Payment::paid : Payment::none,
                    name_of(outcome));
}

ChallengeDesk::Payment ChallengeDesk::take_word(const http::Exchange& exchange,
                                                std::string_view ticket) const {
  const auto checked =
      challenges_.check_ticket(ticket, holder_of(exchange), exchange.started_wall());
  if (checked.outcome != Challenges::Outcome::solved) {
    return counted(Payment::none, name_of(checked.outcome));
  }
  return counted(Payment::declined, "declined");
}

Task<Result<Verdict>> ChallengeDesk::ask(http::Exchange& exchange, Payment payment,
                                         pipeline::Incident about,
                                         std::optional<std::int64_t> retry_after) const {
  const auto hardness = co_await hardness_for(exchange);
  if (!hardness) co_return std::unexpected(hardness.error());
  const Site& site = site_of(exchange);
  const bool chosen = payment == Payment::declined && fallback_ == ChallengeFallback::proof_of_work;
  const bool by_captcha = site.verifier != nullptr && !chosen && payment != Payment::unchecked &&
                          co_await site.verifier->ready(exchange);
  auto out = Verdict::challenge(std::move(about));
  out.problem.detail =
      "Please solve the challenge and send the request again with X-Challenge-Solution";
  out.problem.detail += retry_after ? ", or wait." : ".";
  out.problem.retry_after = retry_after;
  out.problem.members =
      "\"challenge\":" +
      (by_captcha ? captcha(exchange, site) : work(exchange, chosen ? kHardest : *hardness));
  count("asked");
  co_return out;
}

std::string ChallengeDesk::work(const http::Exchange& exchange, std::int64_t times) const {
  const auto steps = steps_ * static_cast<std::uint32_t>(times);
  return challenges_.make(holder_of(exchange), steps, kChallengeLife, exchange.started_wall())
      .json();
}

std::string ChallengeDesk::captcha(const http::Exchange& exchange, const Site& site) const {
  std::string out;
  text::append_json_member(out, "kind", site.provider->name);
  text::append_json_member(out, "site_key", site.verifier->site_key());
  text::append_json_member(out, "script", site.verifier->script_url());
  if (site.provider->returns_customer_data) text::append_json_member(out, "action", kCaptchaAction);
  text::append_json_member(
      out, "ticket",
      challenges_.ticket(holder_of(exchange), kChallengeLife, exchange.started_wall()));
  text::append_json_member(out, "fallback",
                           fallback_ == ChallengeFallback::wait ? "wait" : "proof_of_work");
  return out += '}';
}

const ChallengeDesk::Site& ChallengeDesk::site_of(const http::Exchange& exchange) const noexcept {
  return sites_[exchange.site->index];
}

void ChallengeDesk::count(std::string_view outcome) const {
  count_.add(count_.cell({std::string(outcome)}));
}

ChallengeDesk::Payment ChallengeDesk::counted(Payment payment, std::string_view outcome) const {
  count(outcome);
  return payment;
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

/// How many times as far as others this caller must search: the further, the more often it was
/// asked of late.
Task<Result<std::int64_t>> ChallengeDesk::hardness_for(const http::Exchange& exchange) const {
  const state::Tally asked("challenges", Caller::of(exchange).place.in("challenges"), Seconds{600});
  const auto answer = co_await store_.admit(asked.adding());
  if (!answer) co_return std::unexpected(answer.error());
  const std::int64_t before = std::max(std::int64_t{0}, state::Tally::count(*answer) - 1);
  co_return std::min(kHardest, 1 + before / kChallengesPerStep);
}

}  // namespace portcullis::guards

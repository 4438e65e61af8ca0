#include "guards/bot/bot_guard.hpp"

#include <array>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "guards/bot/browser_evidence.hpp"
#include "guards/bot/message_evidence.hpp"
#include "guards/challenge/challenge_desk.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/multipart_form.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using pipeline::RouteClass;
using pipeline::Verdict;
using state::AdmitAnswer;
using state::AdmitRequest;

/// Above these a sender is held for a machine, a text for spam.
constexpr int kBot = 50;
constexpr int kSpam = 40;

constexpr int kSessionRepeats = 2;
constexpr int kAddressRepeats = 5;
constexpr int kSiteRepeats = 12;

/// A member of the body that is a text, be the body JSON or a form.
std::string_view text_member(const http::Exchange& exchange, std::string_view name) {
  if (name.empty()) return {};
  if (exchange.form) {
    const auto* part = exchange.form->find(name);
    return part == nullptr ? std::string_view{} : part->value;
  }
  const auto* object = exchange.json ? exchange.json->value.if_object() : nullptr;
  const auto* value = object == nullptr ? nullptr : object->if_contains(name);
  const auto* string = value == nullptr ? nullptr : value->if_string();
  return string == nullptr ? std::string_view{} : std::string_view(string->data(), string->size());
}

std::vector<std::string> lower_case(std::vector<std::string> names) {
  for (auto& name : names) name = text::to_lower(name);
  return names;
}

class BotGuard final : public pipeline::Guard {
 public:
  BotGuard(const config::Settings& settings, Trails& trails, const LimitParts& parts)
      : allowed_(lower_case(settings.bot_allowed_agents)),
        desk_(settings, parts),
        trails_(trails),
        store_(parts.store),
        charges_("bot", settings, parts),
        suspected_(parts.metrics.counter("portcullis_bot_suspicions_total")) {}

  std::string_view name() const noexcept override { return "bot"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    // Programs are what the other classes are made for.
    if (exchange.framing_error() || route.cls != RouteClass::chat) return Verdict::pass();
    Score bot;
    // What is called without a page by design is called by programs, too.
    if (route.kind == pipeline::RouteKind::browser || exchange.origin) {
      bot = judge_browser(exchange.head(), exchange.client.https, agents_, allowed_);
    }
    Score spam;
    const auto asked = route.subscription
                           ? http::query_parameter(exchange.head().query(), route.message_member)
                           : http::QueryParameter{};
    const auto message =
        route.subscription ? asked.value : text_member(exchange, route.message_member);
    if (!message.empty()) {
      std::array own{host_of(exchange.head().get("host")), std::string_view{}};
      if (exchange.origin) own[1] = exchange.origin->host;
      const auto traits = MessageTraits::of(message, own);
      bot.add(judge_message(message, traits));
      spam = judge_spam(traits);
      judge_repetition(exchange, message, bot);
    }
    // A person does not see it; what fills every form does not know that.
    if (!text_member(exchange, route.trap_member).empty()) bot.add("trap", 60);
    if (spam.points() > kSpam) return refuse_spam(bot, spam);
    if (bot.points() <= kBot) return Verdict::pass();
    if (bot.has("repeats") && (spam.points() > 0 || bot.has("trap"))) return refuse_bot(bot, spam);
    return slow(exchange, bot);
  }

 private:
  static std::string_view host_of(std::string_view authority) noexcept {
    return authority.substr(0, authority.rfind(':'));
  }

  void judge_repetition(const http::Exchange& exchange, std::string_view message,
                        Score& bot) const {
    const std::uint64_t print = text_fingerprint(message);
    const MonotonicTime now = exchange.started_at();
    if (const auto& session = exchange.principal.session) {
      const auto own = trails_.note(state::session_key(session->id), print, now);
      if (own.similar >= kSessionRepeats) bot.add("repeats", 30);
      if (own.hurried) bot.add("hurried", 20);
      if (own.steady) bot.add("steady", 20);
    }
    if (print == 0) return;  // of short texts many are alike
    // A session that goes on behind a blocked address is a caller by itself, and was asked above.
    if (const auto caller = Caller::of(exchange); caller.kind != Caller::Kind::session) {
      const auto own = trails_.note(caller.subject.key, print, now);
      if (own.similar >= kAddressRepeats) bot.add("address_repeats", 30);
    }
    const auto of_site = trails_.note(state::key_of("site-trail", exchange.site->id), print, now);
    if (of_site.similar >= kSiteRepeats) bot.add("site_repeats", 15);
  }

  void count(const Score& score) const {
    for (const auto ground : score.grounds()) {
      suspected_.add(suspected_.cell({std::string(ground)}));
    }
  }

  static pipeline::Incident incident(ThreatLevel level, std::string code, std::string text,
                                     const Score& bot, const Score& spam) {
    pipeline::Incident out{EventType::input_validation, level, std::move(code), std::move(text)};
    out.details = {{"bot_score", std::to_string(bot.points())}, {"bot_grounds", bot.text()}};
    if (spam.points() > 0) {
      out.details.emplace("spam_score", std::to_string(spam.points()));
      out.details.emplace("spam_grounds", spam.text());
    }
    return out;
  }

  Verdict refuse_spam(const Score& bot, const Score& spam) const {
    count(spam);
    return Verdict::refuse(http::Problem(http::Code::content_refused),
                           incident(ThreatLevel::medium, "BOT_003", "spam", bot, spam));
  }

  Verdict refuse_bot(const Score& bot, const Score& spam) const {
    count(bot);
    return Verdict::refuse(
        http::Problem(http::Code::content_refused),
        incident(ThreatLevel::medium, "BOT_002", "a machine, and more against it", bot, spam));
  }

  /// Charges the request to the narrow window of machines.
  pipeline::Decision slow(http::Exchange& exchange, const Score& bot) const {
    count(bot);
    AdmitRequest request;
    charges_.add_narrow(request, exchange);
    auto answer = store_.admit(request);
    if (!answer.ready()) return wait(exchange, bot, request, std::move(answer));
    return judge(exchange, bot, request, answer.value());
  }

  Task<Result<Verdict>> wait(http::Exchange& exchange, Score bot, AdmitRequest request,
                             Eventual<Result<AdmitAnswer>> answer) const {
    const auto result = co_await answer;
    co_return co_await judge(exchange, bot, request, result);
  }

  pipeline::Decision judge(http::Exchange& exchange, const Score& bot, const AdmitRequest& request,
                           const Result<AdmitAnswer>& answer) const {
    if (!answer) return std::unexpected(answer.error());
    if (!answer->admission.admitted) return ask(exchange, bot, request, answer->admission);
    return charges_.judge(exchange, request, answer->admission);
  }

  /// The window has no room: who can pays with work, everybody else with time.
  Task<Result<Verdict>> ask(http::Exchange& exchange, Score bot, AdmitRequest request,
                            state::Admission admission) const {
    using Payment = ChallengeDesk::Payment;
    const bool asked = desk_.asks(exchange);
    Payment payment = Payment::none;
    if (asked) {
      const auto taken = co_await desk_.take(exchange);
      if (!taken) co_return std::unexpected(taken.error());
      payment = *taken;
      if (payment == Payment::paid) co_return Verdict::pass();
    }
    auto verdict = charges_.judge(exchange, request, admission);
    const std::int64_t retry_after = verdict.problem.retry_after.value_or(1);
    const auto text = "held for a machine: " + verdict.incident.description;
    auto about = incident(ThreatLevel::low, "BOT_001", text, bot, {});
    about.type = EventType::rate_limiting;
    if (!asked) {
      verdict.incident = std::move(about);
      co_return verdict;
    }
    co_return co_await desk_.ask(exchange, payment, std::move(about), retry_after);
  }

  const AgentTable agents_;
  const std::vector<std::string> allowed_;
  const ChallengeDesk desk_;
  Trails& trails_;
  state::Store& store_;
  const Charges charges_;
  observe::CounterFamily& suspected_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_bot_guard(const config::Settings& settings, Trails& trails,
                                                const LimitParts& parts) {
  return std::make_unique<BotGuard>(settings, trails, parts);
}

}  // namespace portcullis::guards

#include "guards/claim/claim_guard.hpp"

namespace portcullis::guards {
namespace {

using pipeline::Verdict;
using state::AdmitAnswer;
using state::AdmitRequest;
using state::ClaimStanding;

class ClaimGuard final : public pipeline::Guard {
 public:
  ClaimGuard(const config::Settings& settings, const identity::SessionTokens& tokens,
             const LimitParts& parts)
      : tokens_(tokens), store_(parts.store), charges_("claim", settings, parts) {}
  std::string_view name() const noexcept override { return "claim"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    if (route.claims == nullptr) return Verdict::pass();
    const auto claimed = route.claims->claim_in(exchange);
    if (!claimed) return Verdict::pass();  // the body guard only watches: the handler will answer
    auto& principal = exchange.principal;
    const std::string presenter = presenter_of(exchange);
    principal.kind = http::Principal::Kind::session;
    principal.session =
        tokens_.claimed(exchange.site->id, claimed->id, presenter, exchange.started_wall());

    AdmitRequest request;
    if (claimed->is_message) {
      if (auto full = charges_.enter_session(exchange, *principal.session)) return *std::move(full);
      charges_.add(request, exchange, route.cls, &*principal.session);
    }
    std::string name = exchange.site->id;
    name += ' ';
    name += claimed->id;
    request.claim =
        state::Claim{state::key_of("claim", name), state::key_of("presenter", presenter),
                     claimed->is_message ? state::Claim::Use::take : state::Claim::Use::look};
    auto answer = store_.admit(request);
    if (answer.ready() && !Charges::is_site_spent(request, answer.value())) {
      auto verdict = judge(exchange, request, answer.value());
      if (!verdict || verdict->kind != Verdict::Kind::pass || !begins(request, answer.value())) {
        return verdict;
      }
      auto created = store_.session_created(state::session_key(exchange.principal.session->id),
                                            exchange.started_wall());
      if (created.ready()) return judge_creation(created.value());
      return wait_for_creation(std::move(created));
    }
    return wait(exchange, request, std::move(answer));
  }

 private:
  /// Network and browser: what a stolen id does not bring along.
  std::string presenter_of(const http::Exchange& exchange) const {
    const auto& head = exchange.head();
    return exchange.client.address.network().text() + ' ' +
           tokens_.presenters().browser(head.get("user-agent"), head.get("accept-language"));
  }

  /// The first message of a presenter is what creating a session is elsewhere.
  static bool begins(const AdmitRequest& request, const Result<AdmitAnswer>& answer) {
    return request.claim->use == state::Claim::Use::take && answer->claim != ClaimStanding::own;
  }

  /// Who was in this conversation before has a part of what the site keeps in reserve.
  Task<bool> is_own(state::Claim claim) const {
    AdmitRequest look;
    claim.use = state::Claim::Use::look;
    look.claim = claim;
    const auto answer = co_await store_.admit(look);
    co_return answer && answer->claim == ClaimStanding::own;
  }

  Task<Result<Verdict>> wait(http::Exchange& exchange, AdmitRequest request,
                             Eventual<Result<AdmitAnswer>> answer) const {
    auto result = co_await answer;
    if (Charges::is_site_spent(request, result) && co_await is_own(*request.claim)) {
      Charges::use_reserve(request, exchange, true);
      result = co_await store_.admit(request);
    }
    auto verdict = judge(exchange, request, result);
    if (!verdict || verdict->kind != Verdict::Kind::pass || !begins(request, result)) {
      co_return verdict;
    }
    co_return judge_creation(co_await store_.session_created(
        state::session_key(exchange.principal.session->id), exchange.started_wall()));
  }

  static Task<Result<Verdict>> wait_for_creation(Eventual<Result<bool>> created) {
    co_return judge_creation(co_await created);
  }

  Result<Verdict> judge(http::Exchange& exchange, const AdmitRequest& request,
                        const Result<AdmitAnswer>& answer) const {
    if (!answer) return std::unexpected(answer.error());
    using Status = http::SessionState::Status;
    exchange.session_state.status = answer->claim == ClaimStanding::own       ? Status::live
                                    : answer->claim == ClaimStanding::foreign ? Status::foreign
                                                                              : Status::silent;
    return charges_.judge(exchange, request, answer->admission);
  }

  static Result<Verdict> judge_creation(const Result<bool>& created) {
    if (!created) return std::unexpected(created.error());
    if (*created) return Verdict::pass();
    return Verdict::refuse(http::Problem(http::Code::session_limit, {}, 60),
                           {audit::EventType::system_integrity, audit::ThreatLevel::medium,
                            "SES_003", "no room for a further session"});
  }

  const identity::SessionTokens& tokens_;
  state::Store& store_;
  const Charges charges_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_claim_guard(const config::Settings& settings,
                                                  const identity::SessionTokens& tokens,
                                                  const LimitParts& parts) {
  return std::make_unique<ClaimGuard>(settings, tokens, parts);
}

}  // namespace portcullis::guards

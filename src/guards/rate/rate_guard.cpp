#include "guards/rate/rate_guard.hpp"

#include "guards/blocks/blocks_guard.hpp"
#include "guards/challenge/challenge_desk.hpp"
#include "guards/credentials/key_proofs.hpp"
#include "http/fields.hpp"
#include "identity/revocations.hpp"
#include "identity/session_keys.hpp"

namespace portcullis::guards {
namespace {

using identity::SessionKeys;
using Revoked = http::SessionState::Revoked;
using pipeline::RouteClass;
using pipeline::Verdict;
using state::AdmitAnswer;
using state::AdmitRequest;

/// A stream of events has caps of its own, unless it is opened by a message in the query.
bool only_listens(const http::Exchange& exchange) {
  const auto& route = *exchange.route;
  if (!route.subscription || !route.is_message) return route.subscription;
  return http::query_parameter(exchange.head().query(), route.message_member).status ==
         http::QueryParameter::Status::missing;
}

/// Whether a session's token alone shows that it may not go on behind the block of its address. It
/// is charged to nothing that others there share, and the session guard refuses it.
bool is_lost_behind_block(const http::Exchange& exchange) {
  return exchange.client.blocked_since && exchange.principal.session &&
         !is_from_before_block(exchange);
}

class RateGuard final : public pipeline::Guard {
 public:
  RateGuard(const config::Settings& settings, const LimitParts& parts)
      : store_(parts.store),
        charges_("rate", settings, parts),
        desk_(settings, parts),
        session_idle_(settings.session_idle) {}
  std::string_view name() const noexcept override { return "rate"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& route = *exchange.route;
    const auto& session = exchange.principal.session;
    if (is_lost_behind_block(exchange)) return Verdict::pass();
    const bool counted = route.cls != RouteClass::light && route.cls != RouteClass::probe &&
                         route.cls != RouteClass::look;
    if (counted && !only_listens(exchange)) {
      // Before anything is charged: who has too much under way loses no unit by asking for more.
      // A session that the body names takes the place of any other one; the claim guard counts it.
      const bool known = session && route.claims == nullptr;
      if (auto full = charges_.enter(exchange, known ? &*session : nullptr))
        return *std::move(full);
    }
    return charge(exchange);
  }

 private:
  pipeline::Decision charge(http::Exchange& exchange) const {
    const auto& route = *exchange.route;
    const auto& session = exchange.principal.session;
    AdmitRequest request;
    if (route.claims != nullptr) {
      // Whose message it is stands in the body; the claim guard charges the rest.
      charges_.add(request, exchange, RouteClass::light, nullptr);
    } else {
      // Who was shut out of a session takes nothing of what its owner has.
      const bool speaks =
          route.is_message && session && exchange.session_state.revoked != Revoked::yes;
      charges_.add(request, exchange, route.cls, speaks ? &*session : nullptr);
      if (session) add_session(request, exchange);
    }
    if (exchange.principal.kind == http::Principal::Kind::user) {
      look_for_revocation(request, exchange);
    }
    if (const auto& proof = exchange.principal.proof; proof && !proof->is_spent) {
      request.add(identity::dpop_charge(*proof, session ? &*session : nullptr));
    }
    if (request.count == 0 && !request.session && request.revocable_count == 0) {
      return Verdict::pass();
    }
    auto answer = store_.admit(request);
    if (!answer.ready()) return wait(exchange, request, std::move(answer));
    if (answer.value() && answer.value()->revoked) return charge_bearer(exchange);
    if (is_replay(request, answer.value())) return charge_replayer(exchange);
    if (Charges::is_site_spent(request, answer.value()))
      return reserve(exchange, request, *answer.value());
    return judge(exchange, request, std::move(answer.value()));
  }

  /// What was shown is void: its bearer pays as anybody at his address does.
  pipeline::Decision charge_bearer(http::Exchange& exchange) const {
    if (exchange.principal.kind == http::Principal::Kind::user) {
      forget_user(exchange);
    } else {
      exchange.session_state.revoked = Revoked::yes;
    }
    return charge(exchange);
  }

  static bool is_replay(const AdmitRequest& request, const Result<AdmitAnswer>& answer) {
    return answer && identity::is_dpop_replay(request, *answer);
  }

  /// Whoever sends a proof again has heard it on its way: he is nobody, and pays as one.
  pipeline::Decision charge_replayer(http::Exchange& exchange) const {
    forget_replayed(exchange);
    return on_request(exchange);
  }

  Task<Result<Verdict>> wait(http::Exchange& exchange, AdmitRequest request,
                             Eventual<Result<AdmitAnswer>> answer) const {
    auto result = co_await answer;
    if (result && result->revoked) co_return co_await charge_bearer(exchange);
    if (is_replay(request, result)) co_return co_await charge_replayer(exchange);
    if (Charges::is_site_spent(request, result))
      co_return co_await reserve(exchange, request, *result);
    co_return judge(exchange, request, std::move(result));
  }

  /// The site's window is spent. Who was in a conversation before goes on with what is kept in
  /// reserve; who is new pays for it with work, where that can be asked for.
  Task<Result<Verdict>> reserve(http::Exchange& exchange, AdmitRequest request,
                                AdmitAnswer answer) const {
    const auto& session = answer.session;
    const bool in_conversation =
        session.status == state::SessionView::Status::live && session.message_count > 0;
    if (!in_conversation) {
      if (!desk_.asks(exchange)) co_return judge(exchange, request, answer);
      const auto taken = co_await desk_.take(exchange);
      if (!taken) co_return std::unexpected(taken.error());
      if (*taken != ChallengeDesk::Payment::paid) {
        const auto refused = charges_.judge(exchange, request, answer.admission);
        co_return co_await desk_.ask(exchange, *taken, refused.incident,
                                     refused.problem.retry_after.value_or(1));
      }
    }
    Charges::use_reserve(request, exchange, in_conversation);
    co_return judge(exchange, request, co_await store_.admit(request));
  }

  Result<Verdict> judge(http::Exchange& exchange, const AdmitRequest& request,
                        Result<AdmitAnswer> answer) const {
    if (!answer) return std::unexpected(std::move(answer).error());
    if (request.session) note_session(exchange, answer->session);
    exchange.decided_alone = answer->alone;
    if (auto& proof = exchange.principal.proof) proof->is_spent = answer->admission.admitted;
    if (exchange.presenter) {
      // Of a user and his session at a time nobody could say which one is revoked.
      auto& revoked = exchange.session_state.revoked;
      const bool is_user = exchange.principal.kind == http::Principal::Kind::user;
      if (revoked != Revoked::yes) revoked = is_user ? Revoked::unasked : Revoked::no;
    }
    return charges_.judge(exchange, request, answer->admission);
  }

  static void add_session(AdmitRequest& request, const http::Exchange& exchange) {
    const auto& session = *exchange.principal.session;
    request.session = state::session_key(session.id);
    if (!exchange.presenter || exchange.principal.kind == http::Principal::Kind::user ||
        exchange.session_state.revoked != Revoked::unknown) {
      return;
    }
    const SessionKeys keys(session, *exchange.presenter);
    request.may_be_revoked_by(keys.token());
    request.may_be_revoked_by(keys.shut_out());
    identity::may_be_revoked_with_others(request, session);
    request.issued = session.issued;
  }

  /// An access token is as good as its login and its user are.
  static void look_for_revocation(AdmitRequest& request, const http::Exchange& exchange) {
    using identity::RevocableKind;
    const auto& principal = exchange.principal;
    request.issued = principal.issued;
    request.may_be_revoked_by(identity::revocation_key(RevocableKind::token, principal.token_id));
    request.may_be_revoked_by(identity::revocation_key(RevocableKind::user, principal.id));
    if (principal.login.empty()) return;
    request.may_be_revoked_by(identity::revocation_key(RevocableKind::login, principal.login));
  }

  static void forget_user(http::Exchange& exchange) {
    auto& principal = exchange.principal;
    http::Principal nobody;
    nobody.session = std::move(principal.session);
    if (nobody.session) nobody.kind = http::Principal::Kind::session;
    nobody.credential_rejected = true;
    nobody.fault = "the token has been revoked";
    principal = std::move(nobody);
  }

  void note_session(http::Exchange& exchange, const state::SessionView& view) const {
    using Status = http::SessionState::Status;
    const auto& claims = *exchange.principal.session;
    auto& out = exchange.session_state;
    const WallTime now = exchange.started_wall();
    out.message_count = view.message_count;
    out.use = view.use;
    if (view.status == state::SessionView::Status::ended) {
      out.status = Status::ended;
    } else if (claims.expires <= now) {
      out.status = Status::expired;
    } else if (view.status == state::SessionView::Status::provisional) {
      out.status = Status::provisional;
    } else if (view.status == state::SessionView::Status::live) {
      out.status = view.last_active + session_idle_ < now ? Status::expired : Status::live;
    } else {
      // Unknown: no message yet, or forgotten. Either way its idle time counts from its creation.
      out.status = claims.created + session_idle_ < now ? Status::expired : Status::silent;
    }
  }

  state::Store& store_;
  const Charges charges_;
  const ChallengeDesk desk_;
  const Seconds session_idle_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_rate_guard(const config::Settings& settings,
                                                 const LimitParts& parts) {
  return std::make_unique<RateGuard>(settings, parts);
}

}  // namespace portcullis::guards

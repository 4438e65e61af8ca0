#include "guards/rate/charges.hpp"

#include <algorithm>

#include "identity/session_keys.hpp"

namespace portcullis::guards {
namespace {

using Holder = http::InFlight::Holder;
using Key = state::Key;
using pipeline::RouteClass;
using pipeline::Verdict;

constexpr state::Space kLightTier = "light-minute";
constexpr state::Space kBlockedLightTier = "blocked-light";
constexpr state::Space kSessionTier = "session-minute";
constexpr state::Space kSiteTier = "site-minute";
constexpr state::Space kReserveTier = "site-reserve";
constexpr state::Space kAuthTier = "auth-failures";
/// Of one address: so many guesses more than `limits.auth_failures` may be looked at.
constexpr std::uint32_t kLoginsAtATime = 4;

/// The /48 of an IPv6 address.
state::KeyedValue network_of(const Caller& caller) {
  const auto& bytes = caller.network.bytes();
  return state::KeyedValue({reinterpret_cast<const char*>(bytes.data()), 48 / 8});
}

/// Whom a message in a session is counted for: who has stolen a token has windows of his own.
Key speaker_of(const http::Exchange& exchange, const http::SessionClaims& session) {
  return exchange.presenter ? identity::SessionKeys(session, *exchange.presenter).speaker()
                            : state::session_key(session.id);
}

}  // namespace

Charges::Charges(std::string_view guard, const config::Settings& settings, const LimitParts& parts)
    : guard_(guard),
      never_blocked_(settings.never_blocked),
      automatic_(settings.automatic_blocks),
      first_block_(settings.first_block),
      blocks_(parts.blocks),
      in_flight_(parts.in_flight),
      api_minute_(static_cast<std::uint32_t>(settings.limit_api_address_minute)),
      user_minute_(static_cast<std::uint32_t>(settings.limit_api_user_minute)),
      key_minute_(static_cast<std::uint32_t>(settings.limit_api_key_minute)),
      login_minute_(static_cast<std::uint32_t>(settings.limit_login_minute)),
      admin_minute_(static_cast<std::uint32_t>(settings.limit_admin_minute)),
      light_minute_(static_cast<std::uint32_t>(std::min<std::int64_t>(
          4'000'000'000,
          settings.limit_light_factor *
              std::max(settings.limit_chat_address_minute, settings.limit_api_address_minute)))),
      network_factor_(settings.limit_network_factor),
      auth_failures_(static_cast<std::uint32_t>(settings.auth_failures)),
      auth_failure_window_(settings.auth_failure_window),
      limited_(parts.metrics.counter("portcullis_rate_limited_total")) {}

std::optional<Verdict> Charges::enter(http::Exchange& exchange,
                                      std::span<const Holder> holders) const {
  const auto full = in_flight_.enter(holders, exchange.places);
  if (!full) return std::nullopt;
  const std::string tier(holders[*full].tier);
  limited_.add(limited_.cell({tier}));
  return Verdict::refuse(
      http::Problem(http::Code::rate_limited,
                    "Too many requests at a time. Please wait for your answers.", 1),
      {audit::EventType::rate_limiting, audit::ThreatLevel::low, "RATE_004",
       "too many requests are being answered, tier " + tier});
}

std::optional<Verdict> Charges::enter(http::Exchange& exchange,
                                      const http::SessionClaims* session) const {
  const auto& limits = exchange.site->limits;
  const Caller caller = Caller::of(exchange);
  std::array<Holder, http::InFlight::kMost> holders;
  std::size_t count = 0;
  if (session != nullptr) {
    holders[count++] = {speaker_of(exchange, *session), limits.in_flight_session,
                        "session-in-flight"};
  }
  // Who goes on behind a blocked address is one of those at that address all the same.
  const Key address = caller.is_verified() ? caller.subject.key : caller.place.in("address");
  // A login takes a core for as long as nothing else does here.
  const bool logs_in =
      exchange.route->cls == RouteClass::auth && !exchange.route->access.by_handler;
  const auto at_a_time =
      logs_in ? std::min(kLoginsAtATime, limits.in_flight_address) : limits.in_flight_address;
  holders[count++] = {logs_in ? caller.place.in("logins-in-flight") : address, at_a_time,
                      logs_in ? "logins-in-flight" : "address-in-flight"};
  if (!caller.is_verified() && !caller.network.is_v4()) {
    const auto limit = wide_of(at_a_time);
    holders[count++] = {network_of(caller).in("network"), limit, "network-in-flight"};
  }
  holders[count++] = {state::key_of("site", exchange.site->id), limits.in_flight_site,
                      "site-in-flight"};
  return enter(exchange, std::span(holders).first(count));
}

std::optional<Verdict> Charges::enter_session(http::Exchange& exchange,
                                              const http::SessionClaims& session) const {
  const std::array holders{Holder{speaker_of(exchange, session),
                                  exchange.site->limits.in_flight_session, "session-in-flight"}};
  return enter(exchange, std::span<const Holder>(holders));
}

void Charges::add(state::AdmitRequest& request, const http::Exchange& exchange, RouteClass cls,
                  const http::SessionClaims* session) const {
  if (cls == RouteClass::probe || cls == RouteClass::look) return;
  const Caller caller = Caller::of(exchange);
  const auto& route = *exchange.route;
  const auto& limits = exchange.site->limits;
  const auto charge = [&](const state::Space& tier, const state::KeyedValue& value,
                          std::uint32_t limit, Seconds window,
                          std::uint8_t subject = state::Charge::kNobody) {
    request.add({tier.name(), value.in(tier), limit, window, route.cost, subject});
  };
  if (cls == RouteClass::light) {
    const bool behind_block = caller.kind == Caller::Kind::session;
    charge(behind_block ? kBlockedLightTier : kLightTier, caller.place, light_minute_, Seconds{60});
    return;
  }
  const auto watched = request.add(caller.subject);
  if (route.address_minute > 0) {
    constexpr state::Space kTier = "route-minute";
    request.add({kTier.name(), caller.value.in(kTier, route.name), route.address_minute,
                 Seconds{60}, route.cost, watched});
  }
  if (cls == RouteClass::auth) {
    if (!caller.is_verified()) add_network(request, caller, login_minute_, route.cost);
    return charge("login-minute", caller.value, login_minute_, Seconds{60}, watched);
  }
  if (cls == RouteClass::api || cls == RouteClass::admin) {
    if (exchange.principal.failed_login && !is_anothers_doing(exchange)) {
      add_auth_failure(request, exchange);
    }
    switch (caller.kind) {
      case Caller::Kind::user:
        if (cls == RouteClass::admin) {
          return charge("admin-minute", caller.value, admin_minute_, Seconds{60}, watched);
        }
        return charge("user-minute", caller.value, user_minute_, Seconds{60}, watched);
      case Caller::Kind::key: {
        const auto own = exchange.principal.requests_per_minute;
        return charge("key-minute", caller.value, own > 0 ? own : key_minute_, Seconds{60},
                      watched);
      }
      case Caller::Kind::address:
        add_network(request, caller, api_minute_, route.cost);
        return charge("api-minute", caller.value, api_minute_, Seconds{60}, watched);
      case Caller::Kind::session:
        add_network(request, caller, api_minute_, route.cost);
        charge("api-minute", caller.value, api_minute_, Seconds{60}, watched);
        return charge("blocked-api", caller.place, api_minute_, Seconds{60});
    }
  }
  charge("address-minute", caller.value, limits.chat_address_minute, Seconds{60}, watched);
  charge("address-hour", caller.value, limits.chat_address_hour, Seconds{3600}, watched);
  if (caller.kind == Caller::Kind::session) {
    // All who go on behind a block have together what their address had, in windows that nobody
    // has filled before it: sessions kept in store for a block gain nothing by it.
    charge("blocked-minute", caller.place, limits.chat_address_minute, Seconds{60});
    charge("blocked-hour", caller.place, limits.chat_address_hour, Seconds{3600});
  }
  if (!caller.is_verified()) {
    add_network(request, caller, limits.chat_address_minute, route.cost);
  }
  if (session != nullptr) {
    const bool own = caller.subject.hold_back;  // the caller is this session already
    const state::Key key = speaker_of(exchange, *session);
    const auto speaker = own ? watched : request.add(state::Subject{key});
    charge(kSessionTier, state::KeyedValue(key), limits.session_minute, Seconds{60}, speaker);
  }
  request.add({.tier = kSiteTier.name(),
               .key = state::key_of(kSiteTier, exchange.site->id),
               .limit = limits.site_minute,
               .cost = route.cost,
               .shared = true});
}

bool Charges::is_site_spent(const state::AdmitRequest& request,
                            const Result<state::AdmitAnswer>& answer) {
  if (!answer) return false;
  const auto& admission = answer->admission;
  return !admission.admitted && !admission.paced && !admission.offence && request.count > 0 &&
         request.charges[admission.decided_by].tier == kSiteTier.name();
}

void Charges::use_reserve(state::AdmitRequest& request, const http::Exchange& exchange,
                          bool in_conversation) {
  const std::uint32_t limit = exchange.site->limits.site_minute / (in_conversation ? 2 : 4);
  for (auto& charge : std::span(request.charges).first(request.count)) {
    if (charge.tier != kSiteTier.name()) continue;
    charge.tier = kReserveTier.name();
    charge.key = state::key_of(kReserveTier, exchange.site->id);
    charge.limit = std::max(1U, limit);
  }
}

/// What all addresses of a /48 may do together, where one may do so much.
std::uint32_t Charges::wide_of(std::uint32_t address_limit) const {
  constexpr std::int64_t kMost = 4'000'000'000;
  return static_cast<std::uint32_t>(std::min(kMost, network_factor_ * address_limit));
}

/// Who has a /48 has 65,536 networks that are an address each to all other windows. Nobody is
/// throttled for it: it may as well be the telephones of a town.
void Charges::add_network(state::AdmitRequest& request, const Caller& caller,
                          std::uint32_t address_limit, std::uint32_t cost) const {
  constexpr state::Space kTier = "network-minute";
  if (caller.network.is_v4()) return;
  request.add(
      {kTier.name(), network_of(caller).in(kTier), wide_of(address_limit), Seconds{60}, cost});
}

/// A window of another length is another one, for its parts are numbered by their length.
void Charges::add_auth_failure(state::AdmitRequest& request, const http::Exchange& exchange) const {
  const auto key =
      Caller::of(exchange).value.in(kAuthTier, std::to_string(auth_failure_window_.count()));
  request.add({.tier = kAuthTier.name(),
               .key = key,
               .limit = auth_failures_ - 1,
               .window = auth_failure_window_,
               .whole = true});
}

void Charges::add_narrow(state::AdmitRequest& request, const http::Exchange& exchange) const {
  constexpr state::Space kTier = "bot-minute";
  const auto limit = std::max(1U, exchange.site->limits.chat_address_minute / 4);
  request.add({kTier.name(), Caller::of(exchange).place.in(kTier), limit, Seconds{60},
               exchange.route->cost});
}

void Charges::add_quarter(state::AdmitRequest& request, const http::Exchange& exchange,
                          const std::function<state::Key(const state::Space&)>& key_of) const {
  const auto& route = *exchange.route;
  const auto charge = [&](const state::Space& tier, std::uint32_t limit) {
    request.add({tier.name(), key_of(tier), std::max(1U, limit / 4), Seconds{60}, route.cost});
  };
  switch (route.cls) {
    case RouteClass::chat:
      charge("risk-minute", exchange.site->limits.chat_address_minute);
      break;
    case RouteClass::api:
    case RouteClass::auth:
    case RouteClass::admin:
      charge("risk-api-minute", api_minute_);
      break;
    case RouteClass::light:
      charge("risk-light-minute", light_minute_);
      break;
    case RouteClass::probe:
    case RouteClass::look:
      return;
  }
  if (route.is_message) charge("risk-session-minute", exchange.site->limits.session_minute);
}

/// Verified users and keys are paced instead, and so are visitors of a page that misuses them.
bool Charges::may_block(const http::Exchange& exchange) const {
  return automatic_ && exchange.route->enforces(guard_) && !exchange.client.blocked_since &&
         !Caller::of(exchange).is_verified() && !is_anothers_doing(exchange) &&
         is_answerable(exchange, never_blocked_);
}

Verdict Charges::judge(http::Exchange& exchange, const state::AdmitRequest& request,
                       const state::Admission& admission) const {
  if (request.count == 0) return Verdict::pass();
  const auto& decided = request.charges[admission.decided_by];
  // These are no budgets that a client should plan with: shown only when reached.
  const bool plannable = decided.tier != kLightTier.name() &&
                         decided.tier != kBlockedLightTier.name() &&
                         decided.tier != kAuthTier.name();
  const bool shown = plannable || !admission.admitted;
  const bool nearer = exchange.limit_state.tier.empty() || !admission.admitted ||
                      admission.remaining < exchange.limit_state.remaining;
  if (shown && nearer) {
    exchange.limit_state = {decided.tier, admission.limit, admission.remaining,
                            decided.window.count(), admission.reset.count()};
  }
  if (admission.admitted) return Verdict::pass();
  limited_.add(limited_.cell({std::string(admission.paced ? "pace" : decided.tier)}));
  const bool guesses = decided.tier == kAuthTier.name();
  // What many may have done together in one session is nobody's offence.
  const bool offends = admission.offence && decided.tier != kSessionTier.name();
  if ((offends || guesses) && may_block(exchange)) {
    const std::string reason = guesses ? std::to_string(auth_failures_) + " failed authentications"
                                       : "far beyond tier " + std::string(decided.tier);
    if (const auto block = blocks_.offend(exchange.client.address, first_block_, reason)) {
      const auto seconds = std::chrono::duration_cast<Seconds>(block->until - block->since);
      return Verdict::refuse(
          http::Problem(http::Code::address_blocked, {}, seconds.count()),
          {guesses ? audit::EventType::authentication : audit::EventType::rate_limiting,
           audit::ThreatLevel::high, guesses ? "AUTH_001" : "RATE_001",
           "address blocked for " + std::to_string(seconds.count()) + " s, its block number " +
               std::to_string(block->offences) + ": " + reason});
    }
  }
  return Verdict::refuse(
      http::Problem(http::Code::rate_limited, "Too many requests. Please wait and try again.",
                    std::max<std::int64_t>(1, admission.reset.count())),
      {audit::EventType::rate_limiting, audit::ThreatLevel::low, "RATE_003",
       (admission.paced ? "pace of a throttled key, tier " : "limit of tier ") +
           std::string(decided.tier) + " reached"});
}

}  // namespace portcullis::guards

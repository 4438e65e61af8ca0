#include "guards/rate/charges.hpp"

#include <algorithm>

namespace portcullis::guards {
namespace {

using pipeline::RouteClass;
using pipeline::Verdict;

constexpr std::string_view kLightTier = "light-minute";

std::string_view bytes_of(const IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()};
}
std::string_view bytes_of(const http::SessionClaims& session) {
  return {reinterpret_cast<const char*>(session.id.data()), session.id.size()};
}

}  // namespace

Charges::Charges(std::string_view guard, const config::Settings& settings,
                 state::BlockTable& blocks, observe::Metrics& metrics)
    : guard_(guard),
      never_blocked_(settings.never_blocked),
      automatic_(settings.automatic_blocks),
      first_block_(settings.first_block),
      blocks_(blocks),
      chat_minute_(static_cast<std::uint32_t>(settings.limit_chat_address_minute)),
      chat_hour_(static_cast<std::uint32_t>(settings.limit_chat_address_hour)),
      session_minute_(static_cast<std::uint32_t>(settings.limit_chat_session_minute)),
      api_minute_(static_cast<std::uint32_t>(settings.limit_api_address_minute)),
      light_minute_(static_cast<std::uint32_t>(std::min<std::int64_t>(
          4'000'000'000,
          settings.limit_light_factor *
              std::max(settings.limit_chat_address_minute, settings.limit_api_address_minute)))),
      limited_(metrics.counter("portcullis_rate_limited_total")) {}

void Charges::add(state::AdmitRequest& request, const http::Exchange& exchange, RouteClass cls,
                  const http::SessionClaims* session) const {
  const IpAddress network = exchange.client.address.network();
  const auto& own = exchange.principal.session;
  // Behind a blocked address a visitor who was there before is on his own: what others did there
  // takes nothing from him, and he is paced himself.
  const bool held_back = exchange.client.blocked_since && own;
  const auto caller = held_back ? bytes_of(*own) : bytes_of(network);
  const auto charge = [&](std::string_view tier, std::string_view value, std::uint32_t limit,
                          Seconds window, std::uint8_t subject = state::Charge::kNobody) {
    request.add({tier, state::key_of(tier, value), limit, window, 1, subject});
  };
  const auto watch = [&] {
    return held_back ? request.add(state::Subject{state::session_key(own->id), true})
                     : request.add(state::Subject{state::key_of("address", caller)});
  };
  switch (cls) {
    case RouteClass::chat: {
      const auto watched = watch();
      charge("address-minute", caller, chat_minute_, Seconds{60}, watched);
      charge("address-hour", caller, chat_hour_, Seconds{3600}, watched);
      if (session != nullptr) {
        const auto speaker =
            held_back ? watched : request.add(state::Subject{state::session_key(session->id)});
        charge("session-minute", bytes_of(*session), session_minute_, Seconds{60}, speaker);
      }
      charge("site-minute", exchange.site->id, exchange.site->limit_per_minute, Seconds{60});
      break;
    }
    case RouteClass::api:
      charge("api-minute", caller, api_minute_, Seconds{60}, watch());
      break;
    case RouteClass::light:
      charge(kLightTier, caller, light_minute_, Seconds{60});
      break;
    case RouteClass::probe:
      break;
  }
}

/// Not one that an operator trusts, and not a proxy of his that he forgot to configure.
bool Charges::may_block(const http::Exchange& exchange) const {
  const auto& client = exchange.client;
  const bool forgotten_proxy =
      client.forwarded_by_stranger && (client.peer.is_loopback() || client.peer.is_private());
  return automatic_ && exchange.route->enforces(guard_) && !forgotten_proxy &&
         !client.blocked_since && !never_blocked_.contains(client.address);
}

Verdict Charges::judge(http::Exchange& exchange, const state::AdmitRequest& request,
                       const state::Admission& admission) const {
  if (request.count == 0) return Verdict::pass();
  const auto& decided = request.charges[admission.decided_by];
  // The ceiling of light routes is no budget that a client should plan with: shown only when
  // reached.
  if (decided.tier != kLightTier || !admission.admitted) {
    exchange.limit_state = {decided.tier, decided.limit, admission.remaining,
                            decided.window.count(), admission.reset.count()};
  }
  if (admission.admitted) return Verdict::pass();
  limited_.add(limited_.cell({std::string(admission.paced ? "pace" : decided.tier)}));
  if (admission.offence && may_block(exchange)) {
    if (const auto block =
            blocks_.offend(exchange.client.address, first_block_, "far beyond its limit")) {
      const auto seconds = std::chrono::duration_cast<Seconds>(block->until - block->since);
      return Verdict::refuse(
          http::Problem(http::Code::address_blocked, {}, seconds.count()),
          {audit::EventType::rate_limiting, audit::ThreatLevel::high, "RATE_001",
           "address blocked for " + std::to_string(seconds.count()) + " s, its block number " +
               std::to_string(block->offences) + ": far beyond tier " + std::string(decided.tier)});
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

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

}  // namespace

Charges::Charges(const config::Settings& settings, observe::Metrics& metrics)
    : chat_minute_(static_cast<std::uint32_t>(settings.limit_chat_address_minute)),
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
  const auto address = bytes_of(network);
  const auto charge = [&](std::string_view tier, std::string_view value, std::uint32_t limit,
                          Seconds window) {
    request.add({tier, state::key_of(tier, value), limit, window, 1});
  };
  switch (cls) {
    case RouteClass::chat:
      charge("address-minute", address, chat_minute_, Seconds{60});
      charge("address-hour", address, chat_hour_, Seconds{3600});
      if (session != nullptr) {
        charge("session-minute",
               {reinterpret_cast<const char*>(session->id.data()), session->id.size()},
               session_minute_, Seconds{60});
      }
      charge("site-minute", exchange.site->id, exchange.site->limit_per_minute, Seconds{60});
      break;
    case RouteClass::api:
      charge("api-minute", address, api_minute_, Seconds{60});
      break;
    case RouteClass::light:
      charge(kLightTier, address, light_minute_, Seconds{60});
      break;
    case RouteClass::probe:
      break;
  }
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
  limited_.add(limited_.cell({std::string(decided.tier)}));
  return Verdict::refuse(
      http::Problem(http::Code::rate_limited, "Too many requests. Please wait and try again.",
                    std::max<std::int64_t>(1, admission.reset.count())),
      {audit::EventType::rate_limiting, audit::ThreatLevel::low, "RATE_003",
       "limit of tier " + std::string(decided.tier) + " reached"});
}

}  // namespace portcullis::guards

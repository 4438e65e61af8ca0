#include "routes/turn_refusals.hpp"

namespace portcullis::routes {

using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;

Task<void> refuse_stream(const Services& services, http::Exchange& exchange) {
  auto& dropped = services.metrics->counter("portcullis_streams_dropped_total");
  dropped.add(dropped.cell({"limit"}));
  return services.reporter->refuse(
      exchange, Problem(Code::stream_limit, {}, 5),
      {EventType::rate_limiting, ThreatLevel::low, "RATE_005", "stream limit reached"});
}

Task<void> refuse_turn(const Services& services, http::Exchange& exchange) {
  return services.reporter->refuse(
      exchange, Problem(Code::rate_limited, "Earlier messages are still being answered.", 1),
      {EventType::rate_limiting, ThreatLevel::low, "RATE_004",
       "too many answers in the making for one session"});
}

pipeline::Incident upstream_incident(std::string reason) {
  return {EventType::system_integrity, ThreatLevel::medium, "UPS_001", std::move(reason)};
}

}  // namespace portcullis::routes

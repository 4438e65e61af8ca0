#include "guards/rate/conduct.hpp"

namespace portcullis::guards {
namespace {

double points_of(audit::ThreatLevel level) {
  switch (level) {
    case audit::ThreatLevel::low:
      return -1;
    case audit::ThreatLevel::medium:
      return -5;
    case audit::ThreatLevel::high:
      return -10;
    case audit::ThreatLevel::critical:
      return -25;
  }
  return 0;
}

}  // namespace

Task<void> Conduct::refused(const http::Exchange& exchange,
                            const pipeline::Incident& incident) const {
  // What failed here is not the caller's doing, and a block is an answer to conduct already.
  if (!enabled_ || incident.type == audit::EventType::system_integrity ||
      exchange.error_code == "ADDRESS_BLOCKED" || is_anothers_doing(exchange) ||
      !is_answerable(exchange, trusted_)) {
    co_return;
  }
  const double points = points_of(incident.level);
  const auto score = co_await store_.note(Caller::of(exchange).subject.key, points);
  if (!score || *score > alert_ || *score - points <= alert_) co_return;
  reporter_.report(exchange,
                   {audit::EventType::network_security, audit::ThreatLevel::high, "REP_001",
                    "reputation fell to " + std::to_string(std::lround(*score))},
                   audit::EventDecision::acted);
}

}  // namespace portcullis::guards

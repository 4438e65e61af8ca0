#include "audit/event.hpp"

namespace portcullis::audit {

std::string_view name_of(EventType type) noexcept {
  switch (type) {
    case EventType::authentication:
      return "authentication";
    case EventType::authorization:
      return "authorization";
    case EventType::data_access:
      return "data_access";
    case EventType::configuration:
      return "configuration";
    case EventType::system_integrity:
      return "system_integrity";
    case EventType::network_security:
      return "network_security";
    case EventType::rate_limiting:
      return "rate_limiting";
    case EventType::input_validation:
      return "input_validation";
  }
  return {};
}

std::string_view name_of(ThreatLevel level) noexcept {
  switch (level) {
    case ThreatLevel::low:
      return "low";
    case ThreatLevel::medium:
      return "medium";
    case ThreatLevel::high:
      return "high";
    case ThreatLevel::critical:
      return "critical";
  }
  return {};
}

std::string_view name_of(EventDecision decision) noexcept {
  switch (decision) {
    case EventDecision::refused:
      return "refused";
    case EventDecision::would_refuse:
      return "would_refuse";
    case EventDecision::passed:
      return "passed";
    case EventDecision::acted:
      return "acted";
  }
  return {};
}

}  // namespace portcullis::audit

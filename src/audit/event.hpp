#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

namespace portcullis::audit {

enum class EventType : std::uint8_t {
  authentication,
  authorization,
  data_access,
  configuration,
  system_integrity,
  network_security,
  rate_limiting,
  input_validation,
};

enum class ThreatLevel : std::uint8_t { low, medium, high, critical };

/// What became of the request or action that the event tells of.
enum class EventDecision : std::uint8_t { refused, would_refuse, passed, acted };

std::string_view name_of(EventType type) noexcept;
std::string_view name_of(ThreatLevel level) noexcept;
std::string_view name_of(EventDecision decision) noexcept;

/// One security event: thirteen fields of the platform guide, then site, decision and rule codes.
/// Holds no text of visitors, no token, no query.
struct Event {
  Ulid event_id;
  EventType event_type = EventType::network_security;
  ThreatLevel threat_level = ThreatLevel::low;
  WallTime timestamp;
  IpAddress source_ip;
  std::string user_id;
  std::string endpoint;  ///< path without query
  std::string method;
  std::string description;
  std::map<std::string, std::string> details;
  std::string user_agent;
  std::string session_id;  ///< the handle for the audience "audit", never the id
  std::string request_id;

  std::string site;
  EventDecision decision = EventDecision::refused;
  std::vector<std::string> codes;  ///< VAL_005, RATE_003, …
};

}  // namespace portcullis::audit

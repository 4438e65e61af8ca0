#pragma once
#include "audit/sink.hpp"

namespace portcullis::gateway {

/// Records that a part of the gateway, or something that it depends on, has gone or come back.
///
/// Threads: any.
inline void record_integrity(audit::Sink& sink, std::string code, audit::ThreatLevel level,
                             std::string description) {
  const WallTime now = Clock::system().wall();
  audit::Event event;
  event.event_id = Ulid::make(now);
  event.event_type = audit::EventType::system_integrity;
  event.threat_level = level;
  event.timestamp = now;
  event.description = std::move(description);
  event.decision = audit::EventDecision::acted;
  event.codes = {std::move(code)};
  sink.record(event);
}

}  // namespace portcullis::gateway

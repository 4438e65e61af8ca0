#include "audit/log_sink.hpp"

namespace portcullis::audit {

LogSink::LogSink(observe::Log& log, observe::Metrics& metrics)
    : log_(log), count_(metrics.counter("portcullis_events_total")) {}

std::string_view LogSink::key_word(EventType type) noexcept {
  switch (type) {
    case EventType::rate_limiting:
      return "RATE_LIMIT_EXCEEDED";
    case EventType::input_validation:
      return "VALIDATION_ERROR";
    case EventType::authentication:
      return "AUTH_FAILED";
    default:
      return "SECURITY_ALERT";
  }
}

void LogSink::record(const Event& event) {
  count_.add(count_.cell(
      {std::string(name_of(event.event_type)), std::string(name_of(event.threat_level))}));
  std::string codes;
  for (const auto& code : event.codes) codes += (codes.empty() ? "" : ",") + code;
  const std::string id = event.event_id.text();
  const std::string address = event.source_ip.text();
  const auto detail = [&](const char* name) {
    const auto at = event.details.find(name);
    return at == event.details.end() ? std::string_view{} : std::string_view(at->second);
  };
  log_.write(event.decision == EventDecision::would_refuse ? observe::Level::info
                                                           : observe::Level::warning,
             key_word(event.event_type),
             {{"event_id", id},
              {"type", name_of(event.event_type)},
              {"threat_level", name_of(event.threat_level)},
              {"decision", name_of(event.decision)},
              {"description", event.description},
              {"guard", detail("guard")},
              {"tier", detail("tier")},
              {"place", detail("place")},
              {"classes", detail("classes")},
              {"codes", codes},
              {"address", address},
              {"site", event.site},
              {"method", event.method},
              {"endpoint", event.endpoint},
              {"session", event.session_id},
              {"request_id", event.request_id}});
}

}  // namespace portcullis::audit

#include "audit/log_sink.hpp"

#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::audit {
namespace {

Event some_event(EventType type) {
  Event event;
  event.event_id = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  event.event_type = type;
  event.threat_level = ThreatLevel::medium;
  event.source_ip = *IpAddress::parse("203.0.113.7");
  event.endpoint = "/api/v1/chat/message";
  event.method = "POST";
  event.description = "why\nnot";
  event.details = {{"guard", "rate"}, {"tier", "address-minute"}};
  event.codes = {"RATE_003", "VAL_001"};
  event.session_id = "handle";
  event.site = "default";
  return event;
}

TEST(LogSink, WritesOneLineWithTheKeyWordOfTheEventsType) {
  PROVES("F066,F107,F108,F109,F110");
  const std::pair<EventType, const char*> words[] = {
      {EventType::rate_limiting, "RATE_LIMIT_EXCEEDED"},
      {EventType::input_validation, "VALIDATION_ERROR"},
      {EventType::authentication, "AUTH_FAILED"},
      {EventType::network_security, "SECURITY_ALERT"},
      {EventType::system_integrity, "SECURITY_ALERT"},
      {EventType::authorization, "SECURITY_ALERT"}};
  observe::Metrics metrics;
  testing::internal::CaptureStderr();
  {
    observe::Log log(observe::Level::info, observe::LogFormat::json);
    LogSink sink(log, metrics);
    for (const auto& [type, word] : words) sink.record(some_event(type));
    log.flush();
  }
  const std::string out = testing::internal::GetCapturedStderr();
  const auto lines = text::split_list(out, '\n');
  ASSERT_EQ(lines.size(), std::size(words));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto o =
        boost::json::parse(boost::json::string_view(lines[i].data(), lines[i].size())).as_object();
    EXPECT_EQ(o.at("message").as_string(), words[i].second);
    EXPECT_EQ(o.at("event_id").as_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    EXPECT_EQ(o.at("type").as_string(), name_of(words[i].first));
    EXPECT_EQ(o.at("address").as_string(), "203.0.113.7");
    EXPECT_EQ(o.at("endpoint").as_string(), "/api/v1/chat/message");
    EXPECT_EQ(o.at("tier").as_string(), "address-minute");
    EXPECT_EQ(o.at("codes").as_string(), "RATE_003,VAL_001");
    EXPECT_EQ(o.at("decision").as_string(), "refused");
  }
  EXPECT_EQ(metrics.counter("portcullis_events_total").total(), std::size(words));
}

TEST(Event, EveryTypeLevelAndDecisionHasAName) {
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(name_of(static_cast<EventType>(i)).empty()) << i;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(name_of(static_cast<ThreatLevel>(i)).empty()) << i;
    EXPECT_FALSE(name_of(static_cast<EventDecision>(i)).empty()) << i;
  }
}

}  // namespace
}  // namespace portcullis::audit

#include "routes/security/broadcast.hpp"

#include "base/json_text.hpp"

namespace portcullis::routes {
namespace {

constexpr std::size_t kMaxNotice = 1000;

std::optional<std::string> notice_fault(const boost::json::value& value) {
  if (!value.get_string().empty() && value.get_string().size() <= kMaxNotice) return std::nullopt;
  return "must have 1 to 1000 bytes";
}

}  // namespace

Broadcast::Broadcast(const Services& services)
    : s_(services),
      schema_({{"message", ObjectSchema::Type::string, true, {}, notice_fault},
               {"everybody", ObjectSchema::Type::boolean, false, {}}}) {}

Task<void> Broadcast::serve(http::Exchange& exchange) {
  const auto& body = exchange.json->value;  // the body guard is enforced on this route
  http::websocket::Notice notice{exchange.site->id, flag_member(body, "everybody"),
                                 R"({"type":"notice")"};
  text::append_json_member(notice.text, "message", string_member(body, "message"));
  notice.text += '}';
  s_.sockets->tell(notice);
  pipeline::Incident incident{audit::EventType::configuration, audit::ThreatLevel::low, "MGT_007",
                              "told visitors of a site something"};
  incident.details = {{"target", notice.site},
                      {"message", std::string(string_member(body, "message"))}};
  s_.reporter->report(exchange, incident, audit::EventDecision::acted);
  co_await exchange.send(http::Response::json(200, R"({"message":"Told"})"));
}

}  // namespace portcullis::routes

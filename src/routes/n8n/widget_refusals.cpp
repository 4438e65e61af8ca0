#include "routes/n8n/widget_refusals.hpp"

#include "base/text.hpp"
#include "chat/events.hpp"
#include "http/fields.hpp"
#include "routes/chat/stream_reader.hpp"

namespace portcullis::routes {
namespace {

using http::Code;

bool is_widget(const http::Exchange& exchange, Code code) {
  const auto& head = exchange.head();
  return head.find("origin") && code != Code::invalid_origin && code != Code::not_found &&
         head.get("accept").find("application/problem+json") == std::string_view::npos;
}

std::string stream_of(std::string_view words, std::string_view id) {
  std::string out;
  for (const auto& event :
       {chat::begin_event(0, id), chat::item_event(0, id, words), chat::end_event(0, id)}) {
    chat::append_event(out, chat::Face::ndjson, 0, event);
  }
  return out;
}

}  // namespace

std::optional<http::Response> WidgetRefusals::render(const http::Exchange& exchange,
                                                     const http::Problem& problem,
                                                     std::string_view error_id) const {
  if (!is_widget(exchange, problem.code)) return std::nullopt;
  const std::string text = words(exchange, problem.code, error_id);
  if (wants_stream(exchange.head())) {
    http::Response response;
    static_cast<http::ResponseHead&>(response) = stream_head(chat::Face::ndjson);
    response.body = stream_of(text, error_id);
    return response;
  }
  std::string body = "{\"output\":";
  text::append_json_string(body, text);
  body += ",\"code\":";
  text::append_json_string(body, http::info_of(problem.code).name);
  body += ",\"error_id\":";
  text::append_json_string(body, error_id);
  body += "}";
  return http::Response::json(200, std::move(body));
}

std::string WidgetRefusals::words(const http::Exchange& exchange, Code code,
                                  std::string_view error_id) const {
  std::string out(texts_.find(exchange.site->index, code, exchange.head().get("accept-language")));
  out += " (";
  out += error_id;
  out += ')';
  return out;
}

bool WidgetRefusals::wants_stream(const http::RequestHead& head) {
  static constexpr std::string_view kOffered[] = {"application/json", "text/plain",
                                                  "application/x-ndjson"};
  return http::negotiate(head.get("accept"), kOffered).value_or(0) > 0;
}

}  // namespace portcullis::routes

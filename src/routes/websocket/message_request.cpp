#include "routes/websocket/message_request.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "routes/object_schema.hpp"

namespace portcullis::routes {
namespace {

/// Of the handshake alone, or said anew by each request.
bool stays_behind(std::string_view name) {
  static constexpr std::array<std::string_view, 19> kNames = {"connection",
                                                              "upgrade",
                                                              "keep-alive",
                                                              "te",
                                                              "expect",
                                                              "accept",
                                                              "prefer",
                                                              "authorization",
                                                              "transfer-encoding",
                                                              "digest",
                                                              "repr-digest",
                                                              "cookie",
                                                              "dpop",
                                                              "last-event-id",
                                                              "x-api-key",
                                                              "x-challenge-solution",
                                                              "range",
                                                              "sec-fetch-mode",
                                                              "sec-fetch-dest"};
  // What describes a body is of none that was sent here: the message's own is said anew.
  return text::istarts_with(name, "content-") || text::istarts_with(name, "sec-websocket-") ||
         text::istarts_with(name, "if-") ||
         std::ranges::any_of(kNames, [&](auto one) { return text::iequals(one, name); });
}

}  // namespace

std::string message_head(const http::Exchange& opening, std::string_view method,
                         std::string_view path, std::string_view own_fields) {
  std::string out;
  out.reserve(1024);
  ((out += method) += ' ') += path;
  out += " HTTP/1.1\r\n";
  opening.head().for_each([&](std::string_view name, std::string_view value) {
    if (!stays_behind(name)) (((out += name) += ": ") += value) += "\r\n";
  });
  return (out += own_fields) += "\r\n";
}

MessageRequest::MessageRequest(const http::Exchange& opening, std::string head, std::string body,
                               Vouched)
    : MessageRequest(opening, std::move(head), std::move(body)) {
  principal = opening.principal;
  vouched = true;
  vouched_site = opening.site->id;
}

Task<bool> MessageRequest::take_answer(const http::Response& response) {
  if (response.status >= 400) refusal = error_frame(response.bytes());
  co_return true;
}

Task<bool> MessageRequest::take_chunk(std::string_view chunk) {
  (void)chunk;
  co_return true;
}

Task<void> Admitted::serve(http::Exchange& exchange) {
  exchange.may_go_on = true;
  (void)co_await exchange.send(http::Response::json(200, "{}"));
}

pipeline::Route look_route(const pipeline::Route& opening, Admitted& handler) {
  pipeline::Route out = opening;
  out.name += "_look";
  out.cls = pipeline::RouteClass::look;
  out.by_message = true;
  out.websocket = out.subscription = false;
  out.handler = &handler;
  return out;
}

void append_error(std::string& out, std::string_view code, std::string_view message,
                  std::string_view error_id, std::int64_t retry_after) {
  out += R"({"type":"error","code":)";
  text::append_json_string(out, code);
  out += R"(,"message":)";
  text::append_json_string(out, message);
  out += R"(,"error_id":)";
  text::append_json_string(out, error_id);
  if (retry_after > 0) {
    out += R"(,"retry_after":)";
    text::append_number(out, retry_after);
  }
  out += '}';
}

std::string error_frame(std::string_view problem_json) {
  std::string out;
  const auto problem = http::parse_json(problem_json);
  if (!problem || !problem->is_object()) {
    append_error(out, http::info_of(http::Code::internal_error).name, {}, {}, 0);
    return out;
  }
  const auto* wait = problem->get_object().if_contains("retry_after");
  append_error(out, string_member(*problem, "code"), string_member(*problem, "detail"),
               string_member(*problem, "error_id"),
               wait != nullptr && wait->is_int64() ? wait->get_int64() : 0);
  return out;
}

}  // namespace portcullis::routes

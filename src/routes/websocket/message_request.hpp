#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/inner_exchange.hpp"
#include "pipeline/route.hpp"

/// Messages of a WebSocket as requests of their own, and what is said where one is refused.
namespace portcullis::routes {

/// The head of such a request: what the opening of the connection said, without its credentials,
/// which were proven then, and `own_fields`.
std::string message_head(const http::Exchange& opening, std::string_view method,
                         std::string_view path, std::string_view own_fields);

/// Such a request, of which only the refusal counts.
///
/// Threads, ownership: as InnerExchange.
class MessageRequest : public http::InnerExchange {
 public:
  /// It is for whom the opening has shown, as far as that still holds.
  struct Vouched {};
  MessageRequest(const http::Exchange& opening, std::string head, std::string body)
      : InnerExchange(opening, std::move(head), std::move(body)) {}
  MessageRequest(const http::Exchange& opening, std::string head, std::string body, Vouched);

  std::string refusal;  ///< the error frame that tells of it; empty: there was none

 protected:
  Task<bool> take_answer(const http::Response& response) override;
  Task<bool> take_chunk(std::string_view chunk) override;
};

/// Answers those that every guard let through.
class Admitted final : public pipeline::RouteHandler {
 public:
  Task<void> serve(http::Exchange& exchange) override;
};

/// Where Socket::watch() asks: an entry beside that of the opening.
pipeline::Route look_route(const pipeline::Route& opening, Admitted& handler);

/// Appends an error frame's text. `retry_after`: seconds; 0: it is not said.
void append_error(std::string& out, std::string_view code, std::string_view message,
                  std::string_view error_id, std::int64_t retry_after);

/// The error frame for a refusal, of its problem details.
std::string error_frame(std::string_view problem_json);

}  // namespace portcullis::routes

#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/exchange.hpp"

/// Messages of a WebSocket as requests of their own, and what is said where one is refused.
namespace portcullis::routes {

/// The head of such a request: what the opening of the connection said, without its credentials,
/// which were proven then, and `own_fields`.
std::string message_head(const http::Exchange& opening, std::string_view method,
                         std::string_view path, std::string_view own_fields);

/// Appends an error frame's text. `retry_after`: seconds; 0: it is not said.
void append_error(std::string& out, std::string_view code, std::string_view message,
                  std::string_view error_id, std::int64_t retry_after);

/// The error frame for a refusal, of its problem details.
std::string error_frame(std::string_view problem_json);

}  // namespace portcullis::routes

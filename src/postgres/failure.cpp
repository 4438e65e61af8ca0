#include "postgres/failure.hpp"

#include <string_view>

namespace portcullis::postgres {
namespace {

std::string_view field(const PGresult* result, int code) {
  const char* const text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view{} : text;
}

/// libpq's texts have several lines, of which a log wants one.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\t') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c;
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

Failure::Kind kind_of(std::string_view state) {
  if (state == "40001" || state == "40P01") return Failure::Kind::conflict;
  // An administrator or a crash ends all sessions.
  if (state.starts_with("57P") || state.starts_with("08")) return Failure::Kind::lost;
  return Failure::Kind::refused;
}

Error error_of(std::string_view state) {
  const auto code = [&] {
    if (state == "53100" || state == "53200" || state == "54000") return ErrorCode::exhausted;
    if (state == "42501" || state.starts_with("28")) return ErrorCode::unauthorized;
    if (state.starts_with("22")) return ErrorCode::invalid_input;
    for (const std::string_view away : {"08", "25006", "3D", "40", "53", "55", "57", "58"}) {
      if (state.starts_with(away)) return ErrorCode::unavailable;
    }
    return ErrorCode::internal;
  }();
  const bool again = code == ErrorCode::unavailable && state != "25006";
  return {.code = code, .retry = again ? Retry::safe : Retry::no, .detail = {}};
}

}  // namespace

Failure failure_of(const PGresult* result) {
  const auto state = field(result, PG_DIAG_SQLSTATE);
  auto error = error_of(state);
  if (state.empty()) {
    // By libpq itself, such as of a connection that broke.
    error.detail = one_line(PQresultErrorMessage(result));
  } else {
    error.detail =
        one_line(field(result, PG_DIAG_MESSAGE_PRIMARY)) + " (" + std::string(state) + ")";
  }
  return {kind_of(state), std::move(error)};
}

Error connect_error(const PGconn* connection) {
  return {.code = ErrorCode::unavailable,
          .retry = Retry::safe,
          .detail = one_line(PQerrorMessage(connection))};
}

}  // namespace portcullis::postgres

#include "http/problem.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

constexpr CodeInfo kCodes[] = {
    {Code::bad_request, 400, "BAD_REQUEST", "Bad request",
     "The bytes do not form a valid HTTP request."},
    {Code::validation_failed, 400, "VALIDATION_FAILED", "Validation failed",
     "Malformed JSON, a blank or over-long message, a malformed domain or URL."},
    {Code::schema_invalid, 422, "SCHEMA_INVALID", "Invalid request body",
     "A member is missing, has the wrong type or breaks another schema rule."},
    {Code::content_refused, 400, "CONTENT_REFUSED", "Content refused", "The text was refused."},
    {Code::invalid_host, 400, "INVALID_HOST", "Invalid host",
     "The Host header is missing, ambiguous or names no host of this gateway."},
    {Code::session_invalid, 401, "SESSION_INVALID", "Session invalid",
     "No session, or it has expired or ended; create a new one."},
    {Code::proof_required, 401, "PROOF_REQUIRED", "Proof of possession required",
     "The site binds sessions to a key of the browser: send a proof (RFC 9449)."},
    {Code::proof_invalid, 401, "PROOF_INVALID", "Proof of possession invalid",
     "The session is bound to a key, and the proof by it is missing or does not verify."},
    {Code::identity_required, 401, "IDENTITY_REQUIRED", "User required",
     "The chat is for users whom the site names, and it named nobody."},
    {Code::identity_invalid, 401, "IDENTITY_INVALID", "User not accepted",
     "What the site says of its user does not verify."},
    {Code::auth_failed, 401, "AUTH_FAILED", "Authentication failed",
     "The credential is missing or does not verify."},
    {Code::second_factor_required, 401, "SECOND_FACTOR_REQUIRED", "Second factor required",
     "The password is right; send it again with `code`, a one-time password or a recovery code."},
    {Code::forbidden, 403, "FORBIDDEN", "Forbidden", "The caller is known and may not do this."},
    {Code::invalid_origin, 403, "INVALID_ORIGIN", "Origin not allowed",
     "The page that made the request may not use this gateway."},
    {Code::https_required, 403, "HTTPS_REQUIRED", "HTTPS required",
     "The request came over plain http."},
    {Code::address_blocked, 403, "ADDRESS_BLOCKED", "Address blocked",
     "The address is blocked for a time."},
    {Code::challenge_required, 403, "CHALLENGE_REQUIRED", "Challenge required",
     "The client must solve a challenge first."},
    {Code::not_found, 404, "NOT_FOUND", "Not found", "Nothing is here."},
    {Code::method_not_allowed, 405, "METHOD_NOT_ALLOWED", "Method not allowed",
     "The Allow header lists the methods of this path."},
    {Code::not_acceptable, 406, "NOT_ACCEPTABLE", "Not acceptable",
     "No representation fits the Accept header."},
    {Code::request_timeout, 408, "REQUEST_TIMEOUT", "Request timeout",
     "The request was not sent in time."},
    {Code::conflict, 409, "CONFLICT", "Conflict",
     "The same client_message_id came with another message, or too many answers are in the "
     "making."},
    {Code::payload_too_large, 413, "PAYLOAD_TOO_LARGE", "Payload too large",
     "The body is larger than the route allows."},
    {Code::uri_too_long, 414, "URI_TOO_LONG", "URI too long",
     "The request line is longer than 8 KiB."},
    {Code::unsupported_media_type, 415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type",
     "The route does not take this Content-Type or Content-Encoding."},
    {Code::misdirected_request, 421, "MISDIRECTED_REQUEST", "Misdirected request",
     "This connection is not for that host."},
    {Code::upgrade_required, 426, "UPGRADE_REQUIRED", "Upgrade required",
     "The path is a WebSocket's, of version 13 of that protocol."},
    {Code::headers_too_large, 431, "HEADERS_TOO_LARGE", "Request header fields too large",
     "More than 32 KiB or 100 header fields."},
    {Code::rate_limited, 429, "RATE_LIMITED", "Rate limit exceeded",
     "Too many requests; Retry-After tells when to come back."},
    {Code::internal_error, 500, "INTERNAL_ERROR", "Internal error", "A mistake of the gateway."},
    {Code::not_implemented, 501, "NOT_IMPLEMENTED", "Not implemented",
     "The method or transfer coding is not supported."},
    {Code::answer_withheld, 422, "ANSWER_WITHHELD", "Answer withheld",
     "The assistant's provider keeps this answer back; other words may help."},
    {Code::upstream_error, 502, "UPSTREAM_ERROR", "Assistant error",
     "The assistant gave no usable answer."},
    {Code::upstream_unavailable, 503, "UPSTREAM_UNAVAILABLE", "Assistant unavailable",
     "The assistant cannot be reached or is failing; calls are held back."},
    {Code::upstream_timeout, 504, "UPSTREAM_TIMEOUT", "Assistant timeout",
     "The assistant did not answer in time."},
    {Code::state_unavailable, 503, "STATE_UNAVAILABLE", "Temporarily unavailable",
     "The gateway could not decide about the request."},
    {Code::stream_limit, 503, "STREAM_LIMIT", "Too many streams",
     "The session, the address or the gateway has all its streams open."},
    {Code::session_limit, 503, "SESSION_LIMIT", "Too many sessions",
     "The gateway holds as many sessions as it may."},
    {Code::shutting_down, 503, "SHUTTING_DOWN", "Shutting down", "The gateway is being stopped."},
    {Code::version_not_supported, 505, "VERSION_NOT_SUPPORTED", "HTTP version not supported",
     "Only HTTP/1.0 and HTTP/1.1."},
    {Code::permanent_redirect, 308, "PERMANENT_REDIRECT", "Use https", "The same URL over https."},
};

}  // namespace

std::span<const CodeInfo> code_table() noexcept { return kCodes; }

const CodeInfo& info_of(Code code) noexcept {
  return *std::ranges::find(kCodes, code, &CodeInfo::code);
}

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string problem_body(const Problem& problem, std::string_view error_id,
                         std::string_view instance) {
  const CodeInfo& info = info_of(problem.code);
  std::string out;
  out.reserve(320);
  out += R"({"type":"urn:portcullis:problem:)";
  for (const char c : info.name) out += c == '_' ? '-' : text::lower(c);
  out += R"(","title":)";
  text::append_json_string(out, info.title);
  out += R"(,"status":)";
  text::append_number(out, info.status);
  out += R"(,"detail":)";
  text::append_json_string(out, problem.detail.empty() ? info.meaning : problem.detail);
  out += R"(,"instance":)";
  text::append_json_string(out, instance);
  out += R"(,"error":)";
  text::append_json_string(out, info.title);
  out += R"(,"error_id":)";
  text::append_json_string(out, error_id);
  out += R"(,"code":)";
  text::append_json_string(out, info.name);
  if (problem.retry_after) {
    out += R"(,"retry_after":)";
    text::append_number(out, *problem.retry_after);
  }
  if (!problem.members.empty()) (out += ',') += problem.members;
  out += "}";
  return out;
}

}  // namespace portcullis::http

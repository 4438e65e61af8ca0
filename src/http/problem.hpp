#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::http {

/// Every error that a client can see. Status, title and code text stand in one table (problem.cpp),
/// from which docs/reference/errors.md is generated.
enum class Code : std::uint8_t {
  bad_request,
  validation_failed,
  schema_invalid,
  content_refused,
  invalid_host,
  session_invalid,
  proof_required,
  proof_invalid,
  identity_required,
  identity_invalid,
  auth_failed,
  second_factor_required,
  forbidden,
  invalid_origin,
  https_required,
  address_blocked,
  challenge_required,
  not_found,
  method_not_allowed,
  not_acceptable,
  request_timeout,
  conflict,
  payload_too_large,
  uri_too_long,
  unsupported_media_type,
  misdirected_request,
  upgrade_required,
  headers_too_large,
  rate_limited,
  internal_error,
  not_implemented,
  answer_withheld,
  upstream_error,
  upstream_unavailable,
  upstream_timeout,
  state_unavailable,
  stream_limit,
  session_limit,
  shutting_down,
  version_not_supported,
  permanent_redirect,
};

struct CodeInfo {
  Code code;
  std::uint16_t status;
  std::string_view name;   ///< the `code` member: RATE_LIMITED
  std::string_view title;  ///< the `title` and `error` members
  std::string_view meaning;
};

const CodeInfo& info_of(Code code) noexcept;
std::span<const CodeInfo> code_table() noexcept;
/// RFC 9110 reason phrase.
std::string_view reason_phrase(std::uint16_t status) noexcept;

/// An error on its way to a client (RFC 9457), before it is written down.
struct Problem {
  Code code = Code::internal_error;
  std::string detail;                       ///< for people; tells nothing about rules or internals
  std::optional<std::int64_t> retry_after;  ///< seconds
  std::string location;                     ///< for redirects
  std::string allow;                        ///< for 405
  std::string bearer_error;                 ///< for 401: invalid_token and the like (RFC 6750)
  std::string accept_encoding;              ///< for 415: the content codings that would be taken
  std::string members;                      ///< further ones of the body, as JSON: "name":value

  Problem() = default;
  explicit Problem(Code c, std::string d = {}, std::optional<std::int64_t> retry = {})
      : code(c), detail(std::move(d)), retry_after(retry) {}
};

/// The `application/problem+json` body.
std::string problem_body(const Problem& problem, std::string_view error_id,
                         std::string_view instance);

}  // namespace portcullis::http

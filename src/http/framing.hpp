#pragma once
#include <cstdint>
#include <expected>
#include <string_view>

#include "http/problem.hpp"
#include "http/request_head.hpp"

namespace portcullis::http {

/// How the body of a request is delimited.
struct Framing {
  enum class Body : std::uint8_t { none, length, chunked };
  Body body = Body::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Limits of a head (RFC 9112 sections 3 and 5 leave them to us).
inline constexpr std::size_t kMaxRequestLineBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeadBytes = 32 * 1024;
inline constexpr std::size_t kMaxFields = 100;

/// What is wrong with a request before anybody looks at its meaning.
struct FramingError {
  Code code = Code::bad_request;
  std::string_view reason;  ///< for the log; static text
};

/// Checks the bytes of a head, from the request line to the empty line, against the letter of RFC
/// 9112: lines end with CRLF, no bare CR, LF or NUL, no folded lines, no space before a colon,
/// names are tokens, values hold no control characters. What a lenient parser would let pass here
/// is what request smuggling is made of.
///
/// Cost: one pass.
std::expected<void, FramingError> check_raw_head(std::string_view head);

/// Decides the framing of a parsed head, refusing everything that two readers could understand
/// differently (RFC 9112 section 6.3, made stricter: there is exactly one way to state a length).
std::expected<Framing, FramingError> check_framing(const RequestHead& head);

}  // namespace portcullis::http

#pragma once
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/chunked_decoder.hpp"
#include "http/framing.hpp"
#include "http/header_block.hpp"
#include "http/request_head.hpp"

namespace portcullis::http {

/// Parses a complete request head (from the request line to the empty line) with Beast's parser,
/// after the strict check of the raw bytes. `head` then refers to `bytes`.
///
/// Threads: any.  Cost: about 1 us for a browser's head.
std::expected<void, FramingError> parse_request_head(std::string_view bytes, RequestHead& head);

/// The head of an upstream's answer.
struct ResponseHeadView {
  int status = 0;
  bool keep_alive = false;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  std::string content_type;
  std::string content_encoding;
  std::string retry_after;
  std::string retry_after_ms;
  std::string keep_alive_header;
  HeaderBlock fields;  ///< all, as they came; where they are wanted
};

/// Parses an answer: head, then the body as it arrives in whatever framing. 1xx answers are
/// skipped.
class ResponseParser {
 public:
  struct Wants {
    bool head_request = false;  ///< the answer has no body, whatever it says
    bool fields = false;
    bool upgrade = false;  ///< 101 is an answer, and what follows is no HTTP
  };
  ResponseParser() : ResponseParser(Wants{}) {}
  explicit ResponseParser(Wants wants);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// Takes bytes; appends body bytes to `body`. Returns how many were consumed; what is left must
  /// be offered again with what follows. Errors: malformed, too_large (head).
  std::expected<std::size_t, ErrorCode> put(std::string_view in, std::string& body);
  /// The connection has ended. Errors: closed where the answer is cut.
  std::expected<void, ErrorCode> put_eof();
  bool head_done() const noexcept;
  bool done() const noexcept;
  const ResponseHeadView& head() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::http

#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace portcullis::http {

/// Decodes a chunked body (RFC 9112 section 7.1): strict line ends, extensions skipped, trailers
/// dropped.
///
/// Beast's decoder is not used here: in 1.81 it accepts line ends inside extensions and has an
/// assertion that a peer reaches by sending an empty body in pieces.
///
/// Threads: none.  Memory: constant.  Cost: one pass; bodies are copied in blocks.
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    bool done = false;  ///< what follows the consumed bytes belongs to the next message
  };
  /// Takes bytes from the connection and appends decoded ones to `out`; never decodes more than
  /// `limit` bytes in all. Consumes everything up to the end of the body. Errors: malformed,
  /// too_large. After an error or the end nothing more may be put.
  std::expected<Step, ErrorCode> put(std::string_view in, std::string& out, std::uint64_t limit);
  bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_end,
    data,
    data_cr,
    data_end,
    trailer_start,
    trailer,
    trailer_end,
    last_end,
    done
  };
  static constexpr std::size_t kMaxLineBytes = 4096;
  static constexpr std::size_t kMaxTrailerBytes = 8192;

  bool take_control(char c);

  State state_ = State::size;
  std::uint64_t left_ = 0;  ///< of the size line while it is read, then of the chunk's data
  std::uint64_t decoded_ = 0;
  std::size_t line_bytes_ = 0;
  unsigned digits_ = 0;
  bool colon_seen_ = false;
};

}  // namespace portcullis::http

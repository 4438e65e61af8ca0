#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coding/zlib_stream.hpp"

namespace portcullis::http::websocket {

/// What both sides agreed on for compressing messages (RFC 7692). Neither ever refers to an earlier
/// message, so that a connection that says nothing keeps nothing.
struct Deflate {
  int server_window_bits = 15;
  int client_window_bits = 15;

  bool operator==(const Deflate&) const = default;
};

/// The first of a client's offers that can be accepted; nullopt: none, and the connection goes on
/// without compression.
///
/// @param extensions every value of Sec-WebSocket-Extensions, with commas between them.
std::optional<Deflate> choose_deflate(std::string_view extensions);
/// The value of Sec-WebSocket-Extensions that accepts it.
std::string deflate_answer(const Deflate& chosen);

/// One message, compressed.
///
/// Memory: 32 KiB (a window of 2^12 bytes) while it runs.
std::string compress(std::string_view message, int window_bits);

/// Decompresses one message that comes in pieces.
///
/// Memory: a window of 2^15 bytes and 7 KiB.
/// Bounds: those of the caller, who says how much may come out. What goes in may come out a
///         thousandfold.
class Inflater {
 public:
  enum class Outcome : std::uint8_t { ok, corrupt, too_large };

  /// Appends to `out` until it has `most` bytes.
  Outcome put(std::string_view bytes, std::string& out, std::size_t most);
  /// After the last piece.
  Outcome finish(std::string& out, std::size_t most);

 private:
  coding::InflateStream stream_{-15};
};

}  // namespace portcullis::http::websocket

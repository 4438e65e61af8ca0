#pragma once
#include <cstdint>
#include <string_view>

namespace portcullis::http::websocket {

/// Whether bytes that come in pieces are UTF-8: it fails at the first byte that no text can have
/// there, not at the end.
///
/// Cost:   one comparison for each eight bytes of ASCII, a few for any other byte.
/// Source: Unicode 15, table 3-7; RFC 6455 section 8.1.
class Utf8Check {
 public:
  /// @returns false where these bytes can follow what came before in no text.
  bool put(std::string_view bytes) noexcept;
  /// Whether what has come so far ends with a whole character.
  bool is_complete() const noexcept { return left_ == 0; }
  void reset() noexcept { left_ = 0; }

 private:
  std::uint8_t left_ = 0;  ///< continuation bytes to come
  std::uint8_t least_ = 0x80;
  std::uint8_t most_ = 0xbf;  ///< what the next one may be
};

}  // namespace portcullis::http::websocket

#include "http/websocket/utf8_check.hpp"

#include <cstring>

namespace portcullis::http::websocket {

bool Utf8Check::put(std::string_view bytes) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  for (std::size_t i = 0; i < bytes.size();) {
    if (left_ == 0) {
      std::uint64_t chunk = 0;
      while (bytes.size() - i >= sizeof chunk) {
        std::memcpy(&chunk, bytes.data() + i, sizeof chunk);
        if ((chunk & kHighBits) != 0) break;
        i += sizeof chunk;
      }
      if (i == bytes.size()) break;
    }
    const auto byte = static_cast<std::uint8_t>(bytes[i++]);
    if (left_ > 0) {
      if (byte < least_ || byte > most_) return false;
      --left_;
      least_ = 0x80;
      most_ = 0xbf;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      // Neither overlong forms, nor surrogates, nor anything above U+10FFFF.
      if (byte == 0xe0) least_ = 0xa0;
      if (byte == 0xed) most_ = 0x9f;
      if (byte == 0xf0) least_ = 0x90;
      if (byte == 0xf4) most_ = 0x8f;
    }
  }
  return true;
}

}  // namespace portcullis::http::websocket

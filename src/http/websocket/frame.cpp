#include "http/websocket/frame.hpp"

#include <bit>
#include <cassert>
#include <cstring>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::http::websocket {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kCompressed = 0x40;
constexpr std::uint8_t kMasked = 0x80;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

}  // namespace

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string out;
  append_big_endian(out, code, 2);
  out += text::utf8_prefix(reason, kMaxControlBytes - 2);
  return out;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, Role role,
                  bool compressed) {
  assert(static_cast<std::uint8_t>(opcode) < 8 || payload.size() <= kMaxControlBytes);
  const auto first = kFinal | (compressed ? kCompressed : 0) | static_cast<std::uint8_t>(opcode);
  out += static_cast<char>(first);
  const std::uint8_t masked = role == Role::client ? kMasked : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(masked | payload.size());
  } else if (payload.size() <= 0xffff) {
    out += static_cast<char>(masked | 126);
    append_big_endian(out, payload.size(), 2);
  } else {
    out += static_cast<char>(masked | 127);
    append_big_endian(out, payload.size(), 8);
  }
  if (role == Role::server) {
    out += payload;
    return;
  }
  // Section 10.3: whoever chooses the payload must not be able to foretell the mask.
  const std::string key = crypto::random_bytes(4);
  std::uint32_t mask = 0;
  std::memcpy(&mask, key.data(), sizeof mask);
  out += key;
  const std::size_t at = out.size();
  out += payload;
  apply_mask(out.data() + at, payload.size(), mask, 0);
}

void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::uint64_t offset) noexcept {
  static_assert(std::endian::native == std::endian::little);
  // The mask as it applies to the first byte here.
  mask = std::rotr(mask, static_cast<int>(8 * (offset % 4)));
  const std::uint64_t wide = std::uint64_t{mask} << 32 | mask;
  for (; size >= sizeof wide; size -= sizeof wide, bytes += sizeof wide) {
    std::uint64_t chunk = 0;
    std::memcpy(&chunk, bytes, sizeof chunk);
    chunk ^= wide;
    std::memcpy(bytes, &chunk, sizeof chunk);
  }
  for (std::size_t i = 0; i < size; ++i) bytes[i] ^= static_cast<char>(wide >> 8 * i & 0xff);
}

}  // namespace portcullis::http::websocket

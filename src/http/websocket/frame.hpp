#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// WebSocket (RFC 6455): frames, messages, the handshake, and a connection on a stream.
namespace portcullis::http::websocket {

/// Which side of a connection we are: a client masks what it sends, a server must not.
enum class Role : std::uint8_t { server, client };

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// Why a connection ends (RFC 6455 section 7.4.1 and the registry of IANA), and codes of our own.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kNoStatus = 1005;  ///< never sent: the peer said none
inline constexpr std::uint16_t kAbnormal = 1006;  ///< never sent: there was no closing handshake
inline constexpr std::uint16_t kInvalidData = 1007;
inline constexpr std::uint16_t kPolicyViolation = 1008;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;
inline constexpr std::uint16_t kBadGateway = 1014;
inline constexpr std::uint16_t kUnauthorized = 4401;
inline constexpr std::uint16_t kTimeout = 4408;
inline constexpr std::uint16_t kTooManyMessages = 4429;
}  // namespace close_code

/// Whether a peer may say this code in a close frame.
constexpr bool is_sendable(std::uint16_t code) noexcept {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != close_code::kNoStatus &&
         code != close_code::kAbnormal;
}

/// What the payload of a control frame may hold at most (section 5.5).
inline constexpr std::size_t kMaxControlBytes = 125;

/// What stands behind a code in a close frame.
std::string close_payload(std::uint16_t code, std::string_view reason = {});

/// Appends one unfragmented frame. As a client it is masked with unpredictable bits.
///
/// REQUIRES: a control frame has at most kMaxControlBytes.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, Role role,
                  bool compressed = false);

/// Masks or unmasks in place; `offset`: how many bytes of the frame came before.
/// Cost: eight bytes a step.
void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::uint64_t offset) noexcept;

}  // namespace portcullis::http::websocket

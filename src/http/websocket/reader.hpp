#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/websocket/deflate.hpp"
#include "http/websocket/frame.hpp"
#include "http/websocket/utf8_check.hpp"

namespace portcullis::http::websocket {

/// What one message may be at most.
struct MessageLimits {
  std::size_t bytes = 64 * 1024;  ///< decompressed, over all fragments
  std::uint32_t fragments = 64;
  /// Decompressed bytes for each compressed one, once there are more than kRatioFrom of them.
  std::uint32_t deflate_ratio = 100;
  static constexpr std::size_t kRatioFrom = 16 * 1024;
};

/// Turns bytes into messages and control frames, and refuses all that RFC 6455 refuses.
///
/// It knows no socket: it is given bytes and says how many it took, and what is complete now. Text
/// is checked while it comes, so that what can become none fails at its first wrong byte.
///
/// Threads:   one.
/// Bounds:    MessageLimits. A length that is over them fails before a byte of it is kept, and one
///            within them takes memory only as its bytes come.
/// Memory:    between messages nothing but the object (about 150 bytes).
/// Source:    RFC 6455 sections 5 and 8.1, RFC 7692.
class MessageReader {
 public:
  enum class Event : std::uint8_t {
    none,     ///< further bytes are needed
    message,  ///< payload(), kind() and frames()
    ping,     ///< payload()
    pong,     ///< payload()
    close,    ///< code() and payload(), the reason
    failed,   ///< code() and fault(); nothing may be put after it, nor after `close`
  };

  MessageReader(Role role, const MessageLimits& limits, bool deflate = false)
      : limits_(limits), role_(role), deflate_(deflate) {}

  struct Step {
    std::size_t used = 0;
    Event event = Event::none;
  };
  /// Takes bytes until something is complete; they are unmasked in place.
  Step put(std::span<char> bytes);

  /// Of what is complete; moved out by whoever keeps it. Valid until the next put().
  std::string& payload() noexcept { return in_control_ ? control_ : message_; }
  /// `text` or `binary`.
  Opcode kind() const noexcept { return kind_; }
  /// In how many frames the message came.
  std::uint32_t frames() const noexcept { return fragments_; }
  /// What a close frame said, 1005 where nothing; or what a failure is to be told with.
  std::uint16_t code() const noexcept { return code_; }
  std::string_view fault() const noexcept { return fault_; }
  /// Bytes of the frame under way that are still to come.
  std::uint64_t missing() const noexcept { return in_payload_ ? left_ : 0; }
  bool in_message() const noexcept { return in_message_; }

 private:
  Event read_head();
  Event begin_frame();
  Event take_payload(std::span<char> bytes);
  Event end_frame();
  Event end_message();
  Event read_close();
  Event fail(std::uint16_t code, std::string_view fault);
  std::size_t head_size() const noexcept;
  std::uint8_t byte(std::size_t at) const noexcept { return static_cast<std::uint8_t>(head_[at]); }
  std::size_t most_out() const noexcept;

  const MessageLimits limits_;
  const Role role_;
  const bool deflate_;

  // The frame under way.
  char head_[14] = {};
  std::uint8_t head_filled_ = 0;
  bool in_payload_ = false;
  bool in_control_ = false;
  bool final_ = false;
  std::uint64_t length_ = 0;
  std::uint64_t left_ = 0;
  std::uint32_t mask_ = 0;
  std::string control_;

  // The message under way.
  bool in_message_ = false;
  bool compressed_ = false;
  Opcode kind_ = Opcode::text;
  std::uint32_t fragments_ = 0;
  std::uint64_t wire_bytes_ = 0;  ///< of its payload, as it came
  Utf8Check utf8_;
  std::string message_;
  std::unique_ptr<Inflater> inflater_;

  std::uint16_t code_ = 0;
  std::string_view fault_;
};

}  // namespace portcullis::http::websocket

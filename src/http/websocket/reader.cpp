#include "http/websocket/reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace portcullis::http::websocket {
namespace {

constexpr std::size_t kShortestHead = 2;
/// Of what cannot be compressed deflate makes a little more.
constexpr std::uint64_t longest_compressed(std::uint64_t bytes) noexcept {
  return bytes + bytes / 64 + 64;
}

}  // namespace

MessageReader::Step MessageReader::put(std::span<char> bytes) {
  Step step;
  while (step.event == Event::none) {
    if (!in_payload_) {
      const auto wanted = std::min(head_size() - head_filled_, bytes.size() - step.used);
      if (wanted == 0) break;
      std::memcpy(head_ + head_filled_, bytes.data() + step.used, wanted);
      head_filled_ = static_cast<std::uint8_t>(head_filled_ + wanted);
      step.used += wanted;
      step.event = read_head();
      continue;
    }
    const auto take =
        static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - step.used));
    if (take == 0 && left_ > 0) break;
    step.event = take_payload(bytes.subspan(step.used, take));
    step.used += take;
  }
  return step;
}

/// As far as its bytes tell.
std::size_t MessageReader::head_size() const noexcept {
  if (head_filled_ < kShortestHead) return kShortestHead;
  const auto length = byte(1) & 0x7f;
  const bool masked = (byte(1) & 0x80) != 0;
  return kShortestHead + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked ? 4 : 0);
}

MessageReader::Event MessageReader::read_head() {
  using namespace close_code;  // NOLINT(google-build-using-namespace)
  if (head_filled_ < kShortestHead) return Event::none;
  const auto opcode = byte(0) & 0x0f;
  const bool reserved = (byte(0) & 0x30) != 0;
  const bool compressed = (byte(0) & 0x40) != 0;
  const bool masked = (byte(1) & 0x80) != 0;
  const std::size_t length = byte(1) & 0x7f;
  if (head_filled_ == kShortestHead) {
    // What two bytes tell is refused before the rest has come.
    final_ = (byte(0) & 0x80) != 0;
    in_control_ = opcode >= 8;
    if (reserved) return fail(kProtocolError, "a reserved bit is set");
    if ((opcode > 2 && opcode < 8) || opcode > 10) {
      return fail(kProtocolError, "an opcode that does not exist");
    }
    if (compressed && (!deflate_ || in_control_ || opcode == 0)) {
      return fail(kProtocolError, "the bit of a compressed message is set");
    }
    if (masked != (role_ == Role::server)) {
      return fail(kProtocolError,
                  masked ? "a frame of a server is masked" : "a frame of a client is not masked");
    }
    if (in_control_ && !final_) return fail(kProtocolError, "a control frame is fragmented");
    if (in_control_ && length > kMaxControlBytes) {
      return fail(kProtocolError, "a control frame is too long");
    }
    if (!in_control_ && (opcode == 0) != in_message_) {
      return fail(kProtocolError, in_message_ ? "a message begins inside of another"
                                              : "a continuation of no message");
    }
    if (!in_control_ && !in_message_) {
      kind_ = static_cast<Opcode>(opcode);
      compressed_ = compressed;
    }
  }
  if (head_filled_ < head_size()) return Event::none;
  return begin_frame();
}

MessageReader::Event MessageReader::begin_frame() {
  using namespace close_code;  // NOLINT(google-build-using-namespace)
  const std::uint64_t length = byte(1) & 0x7f;
  const std::size_t bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  length_ = length;
  if (bytes > 0) {
    length_ = 0;
    for (std::size_t i = 0; i < bytes; ++i) length_ = length_ << 8 | byte(kShortestHead + i);
    if (length_ < (bytes == 2 ? 126U : 0x10000U) || length_ >> 63 != 0) {
      return fail(kProtocolError, "a length that is not written in its shortest form");
    }
  }
  if (role_ == Role::server) std::memcpy(&mask_, head_ + kShortestHead + bytes, sizeof mask_);
  left_ = length_;
  head_filled_ = 0;
  in_payload_ = true;
  if (in_control_) {
    control_.clear();
    return left_ == 0 ? end_frame() : Event::none;
  }
  if (!in_message_) {
    in_message_ = true;
    fragments_ = 0;
    wire_bytes_ = 0;
    message_.clear();
    utf8_.reset();
  }
  const auto most = compressed_ ? longest_compressed(limits_.bytes) : limits_.bytes;
  if (length_ > most || wire_bytes_ + length_ > most) {
    return fail(kTooBig, "the message is too long");
  }
  if (++fragments_ > limits_.fragments) return fail(kPolicyViolation, "too many fragments");
  wire_bytes_ += length_;
  if (compressed_ && !inflater_) inflater_ = std::make_unique<Inflater>();
  return left_ == 0 ? end_frame() : Event::none;
}

/// So much may come out of what has been put in.
std::size_t MessageReader::most_out() const noexcept {
  const auto ratio = std::max<std::uint64_t>(MessageLimits::kRatioFrom,
                                             (wire_bytes_ - left_) * limits_.deflate_ratio);
  return static_cast<std::size_t>(std::min<std::uint64_t>(limits_.bytes, ratio));
}

MessageReader::Event MessageReader::take_payload(std::span<char> bytes) {
  using namespace close_code;  // NOLINT(google-build-using-namespace)
  if (role_ == Role::server) apply_mask(bytes.data(), bytes.size(), mask_, length_ - left_);
  left_ -= bytes.size();
  const std::string_view plain(bytes.data(), bytes.size());
  if (in_control_) {
    control_ += plain;
  } else {
    const std::size_t before = message_.size();
    if (compressed_) {
      switch (inflater_->put(plain, message_, most_out())) {
        case Inflater::Outcome::ok:
          break;
        case Inflater::Outcome::corrupt:
          return fail(kInvalidData, "the compressed message is corrupt");
        case Inflater::Outcome::too_large:
          return fail(kTooBig, "the message is too long");
      }
    } else {
      message_ += plain;
    }
    if (kind_ == Opcode::text && !utf8_.put(std::string_view(message_).substr(before))) {
      return fail(kInvalidData, "the text is not UTF-8");
    }
  }
  return left_ == 0 ? end_frame() : Event::none;
}

MessageReader::Event MessageReader::end_frame() {
  in_payload_ = false;
  if (!in_control_) return final_ ? end_message() : Event::none;
  const auto opcode = static_cast<Opcode>(byte(0) & 0x0f);
  if (opcode == Opcode::close) return read_close();
  return opcode == Opcode::ping ? Event::ping : Event::pong;
}

MessageReader::Event MessageReader::end_message() {
  using namespace close_code;  // NOLINT(google-build-using-namespace)
  if (compressed_) {
    const std::size_t before = message_.size();
    const auto outcome = inflater_->finish(message_, most_out());
    inflater_.reset();
    if (outcome == Inflater::Outcome::corrupt) {
      return fail(kInvalidData, "the compressed message is corrupt");
    }
    if (outcome == Inflater::Outcome::too_large) return fail(kTooBig, "the message is too long");
    if (kind_ == Opcode::text && !utf8_.put(std::string_view(message_).substr(before))) {
      return fail(kInvalidData, "the text is not UTF-8");
    }
  }
  if (kind_ == Opcode::text && !utf8_.is_complete()) {
    return fail(kInvalidData, "the text ends inside of a character");
  }
  in_message_ = false;
  return Event::message;
}

MessageReader::Event MessageReader::read_close() {
  using namespace close_code;  // NOLINT(google-build-using-namespace)
  code_ = kNoStatus;
  if (control_.empty()) return Event::close;
  if (control_.size() == 1) return fail(kProtocolError, "half a close code");
  code_ = static_cast<std::uint16_t>(static_cast<std::uint8_t>(control_[0]) << 8 |
                                     static_cast<std::uint8_t>(control_[1]));
  control_.erase(0, 2);
  if (!is_sendable(code_)) return fail(kProtocolError, "a close code that nobody may send");
  if (!text::is_utf8(control_)) return fail(kInvalidData, "the reason of a close is not UTF-8");
  return Event::close;
}

MessageReader::Event MessageReader::fail(std::uint16_t code, std::string_view fault) {
  code_ = code;
  fault_ = fault;
  inflater_.reset();
  return Event::failed;
}

}  // namespace portcullis::http::websocket

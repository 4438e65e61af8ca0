#include "http/chunked_decoder.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

constexpr unsigned kMaxSizeDigits = 16;

int hex_value(char c) {
  if (text::is_digit(c)) return c - '0';
  const char low = text::lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// What may stand in an extension or a trailer value.
bool is_line_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

}  // namespace

std::expected<ChunkedDecoder::Step, ErrorCode> ChunkedDecoder::put(std::string_view in,
                                                                   std::string& out,
                                                                   std::uint64_t limit) {
  Step step;
  while (step.consumed < in.size() && state_ != State::done) {
    if (state_ != State::data) {
      if (!take_control(in[step.consumed])) return std::unexpected(ErrorCode::malformed);
      ++step.consumed;
      // A size above the limit is refused before its data comes.
      if (state_ == State::data && left_ > limit - std::min(limit, decoded_)) {
        return std::unexpected(ErrorCode::too_large);
      }
      continue;
    }
    const auto block = in.substr(
        step.consumed, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
    out += block;
    step.consumed += block.size();
    decoded_ += block.size();
    left_ -= block.size();
    if (left_ == 0) state_ = State::data_cr;
  }
  step.done = done();
  return step;
}

/// One character outside of chunk data; false where it must not stand there.
bool ChunkedDecoder::take_control(char c) {
  switch (state_) {
    case State::size:
      if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > kMaxSizeDigits || left_ >> 60 != 0) return false;
        left_ = left_ << 4 | static_cast<unsigned>(digit);
        return true;
      }
      if (digits_ == 0) return false;
      line_bytes_ = 0;
      state_ = c == '\r' ? State::size_end : State::extension;
      return c == '\r' || c == ';' || c == ' ' || c == '\t';
    case State::extension:
      if (c == '\r') {
        state_ = State::size_end;
        return true;
      }
      return is_line_char(c) && ++line_bytes_ <= kMaxLineBytes;
    case State::size_end:
      state_ = left_ == 0 ? State::trailer_start : State::data;
      digits_ = 0;
      line_bytes_ = 0;
      return c == '\n';
    case State::data_cr:
      state_ = State::data_end;
      return c == '\r';
    case State::data_end:
      state_ = State::size;
      return c == '\n';
    case State::trailer_start:
      colon_seen_ = false;
      state_ = c == '\r' ? State::last_end : State::trailer;
      return c == '\r' || (text::is_token_char(c) && ++line_bytes_ <= kMaxTrailerBytes);
    case State::trailer:
      if (c == '\r' && colon_seen_) {
        state_ = State::trailer_end;
        return true;
      }
      if (++line_bytes_ > kMaxTrailerBytes) return false;
      if (colon_seen_) return is_line_char(c);
      colon_seen_ = c == ':';
      return colon_seen_ || text::is_token_char(c);
    case State::trailer_end:
      state_ = State::trailer_start;
      return c == '\n';
    case State::last_end:
      state_ = State::done;
      return c == '\n';
    case State::data:
    case State::done:
      break;
  }
  return false;
}

}  // namespace portcullis::http

// A chunked body in pieces: the same result however it is cut, and the one that RFC 9112
// section 7.1 gives.
#include <optional>
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/chunked_decoder.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::http::ChunkedDecoder;

constexpr std::uint64_t kLimit = 16 * 1024;

struct Body {
  bool done = false;
  bool failed = false;
  std::string text;
  std::size_t consumed = 0;
};

Body decode(const std::vector<std::string_view>& pieces) {
  ChunkedDecoder decoder;
  Body out;
  std::string held;
  for (const auto piece : pieces) {
    held += piece;
    const auto step = decoder.put(held, out.text, kLimit);
    if (!step) {
      out.failed = true;
      return out;
    }
    require(step->consumed <= held.size(), "no more is consumed than there is");
    require(out.text.size() <= kLimit, "the limit holds");
    held.erase(0, step->consumed);
    out.consumed += step->consumed;
    out.done = step->done;
    if (out.done) return out;
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
  return -1;
}

/// The grammar, read as strictly as it is written. nullopt where the bytes do not follow it.
std::optional<Body> by_the_letter(std::string_view in) {
  Body out;
  std::size_t at = 0;
  const auto line_end = [&] { return in.find("\r\n", at); };
  while (true) {
    std::uint64_t size = 0;
    std::size_t digits = 0;
    for (; at < in.size() && hex_value(in[at]) >= 0; ++at, ++digits) {
      size = size * 16 + static_cast<std::uint64_t>(hex_value(in[at]));
      if (size > kLimit) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    const auto end = line_end();
    if (end == std::string_view::npos) return std::nullopt;
    // Extensions: what they say is nobody's concern, but they hold no line end.
    if (in.substr(at, end - at).find_first_of("\r\n") != std::string_view::npos)
      return std::nullopt;
    at = end + 2;
    if (size == 0) break;
    if (in.size() - at < size + 2 || in.substr(at + size, 2) != "\r\n") return std::nullopt;
    out.text += in.substr(at, size);
    at += size + 2;
  }
  while (true) {  // trailers
    const auto end = line_end();
    if (end == std::string_view::npos) return std::nullopt;
    const bool last = end == at;
    at = end + 2;
    if (last) break;
  }
  out.done = true;
  out.consumed = at;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 8192) return 0;
  const auto bytes = portcullis::fuzz::text_of(data + 1, size - 1);
  const Body whole = decode({bytes});
  const Body cut = decode(portcullis::fuzz::split(bytes, data[0]));
  require(whole.done == cut.done, "done or not, however it is cut");
  if (!whole.done) return 0;
  require(whole.text == cut.text, "one text, however it is cut");
  require(whole.consumed == cut.consumed, "one end, however it is cut");
  const auto reference = by_the_letter(bytes);
  require(reference.has_value(), "what is accepted follows the grammar");
  require(reference->text == whole.text, "the text is that of the grammar");
  require(reference->consumed == whole.consumed, "the end is that of the grammar");
  return 0;
}

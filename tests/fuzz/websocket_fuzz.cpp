// Frames of a client in pieces: the same messages however they are cut, within the limits, text
// always UTF-8, and nothing after an end.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "http/websocket/reader.hpp"

namespace {

using portcullis::fuzz::require;
using namespace portcullis::http::websocket;  // NOLINT(google-build-using-namespace)
using Event = MessageReader::Event;

constexpr MessageLimits kLimits{.bytes = 4096, .fragments = 8};

std::vector<std::string> read(const std::vector<std::string_view>& pieces, bool deflate) {
  MessageReader reader(Role::server, kLimits, deflate);
  std::vector<std::string> out;
  for (const auto piece : pieces) {
    std::string bytes(piece);
    for (std::size_t at = 0; at < bytes.size();) {
      const auto step = reader.put(std::span(bytes).subspan(at));
      require(step.used <= bytes.size() - at, "no more is taken than there is");
      at += step.used;
      if (step.event == Event::none) {
        require(at == bytes.size(), "what is not complete takes all there is");
        break;
      }
      const bool is_message = step.event == Event::message;
      require(!is_message || reader.payload().size() <= kLimits.bytes, "the limit holds");
      require(!is_message || reader.frames() <= kLimits.fragments, "of fragments, too");
      require(!is_message || reader.kind() != Opcode::text ||
                  portcullis::text::is_utf8(reader.payload()),
              "text is UTF-8");
      if (step.event == Event::failed) {
        require(is_sendable(reader.code()) && !reader.fault().empty(), "a failure can be told");
        // Which of two faults of a compressed message is seen first depends on the cut.
        out.push_back(deflate ? "failed" : "failed " + std::to_string(reader.code()));
        return out;
      }
      out.push_back(std::to_string(static_cast<int>(step.event)) + reader.payload());
      if (step.event == Event::close) return out;
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 8192) return 0;
  const auto bytes = portcullis::fuzz::text_of(data + 1, size - 1);
  const bool deflate = (data[0] & 1) != 0;
  require(read({bytes}, deflate) == read(portcullis::fuzz::split(bytes, data[0]), deflate),
          "the same, however it is cut");
  (void)choose_deflate(bytes);
  return 0;
}

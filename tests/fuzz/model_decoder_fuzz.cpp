// The answer of a language model's API in pieces: valid text, and the same one however it is cut.
#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "upstream/model_decoder.hpp"

namespace {

using namespace portcullis::upstream;  // NOLINT(google-build-using-namespace)
using portcullis::fuzz::require;

constexpr std::size_t kMaxBytes = 2 * 1024;

struct Answer {
  bool ok = false;
  std::string text;
};

Answer decode(unsigned char kind, const std::vector<std::string_view>& pieces) {
  const std::string_view type = (kind & 2U) != 0 ? "application/json" : "text/event-stream";
  int reports = 0;
  const auto report = [&](Ending, const TokenUsage&) { ++reports; };
  std::unique_ptr<ModelDecoder> decoder;
  if ((kind & 1U) != 0) {
    decoder = std::make_unique<AnthropicDecoder>(type, kMaxBytes, report);
  } else {
    decoder = std::make_unique<OpenAiDecoder>(type, kMaxBytes, report);
  }
  std::vector<std::string> found;
  portcullis::Result<void> result{};
  for (const auto piece : pieces) {
    result = decoder->put(piece, found);
    if (!result) break;
  }
  if (result) result = decoder->finish(found);
  Answer out{result.has_value(), {}};
  for (const auto& text : found) {
    require(!text.empty(), "no piece is empty");
    require(portcullis::text::is_utf8(text), "every piece is valid UTF-8");
    out.text += text;
  }
  require(!out.ok || !out.text.empty(), "an answer has text");
  require(!out.ok || reports == 1, "an answer is reported once");
  require(reports <= 1, "nothing is reported twice");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const auto bytes = portcullis::fuzz::text_of(data + 2, size - 2);
  const Answer whole = decode(data[0], {bytes});
  const Answer cut = decode(data[0], portcullis::fuzz::split(bytes, data[1]));
  require(whole.ok == cut.ok, "an answer or a failure, however it is cut");
  require(!whole.ok || whole.text == cut.text, "one text, however it is cut");
  return 0;
}

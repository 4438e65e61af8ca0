// An upstream's answer in pieces: valid text, and the same one however it is cut.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "upstream/answer_decoder.hpp"

namespace {

using portcullis::fuzz::require;

constexpr std::size_t kMaxBytes = 32 * 1024;
constexpr std::string_view kTypes[] = {"application/json",
                                       "text/event-stream",
                                       "text/plain",
                                       "",
                                       "application/x-ndjson; charset=utf-8",
                                       "text/html"};

struct Answer {
  bool ok = false;
  std::string text;
};

Answer decode(std::string_view type, const std::vector<std::string_view>& pieces) {
  portcullis::upstream::AnswerDecoder decoder(type, kMaxBytes);
  std::vector<std::string> found;
  portcullis::Result<void> result{};
  for (const auto piece : pieces) {
    result = decoder.put(piece, found);
    if (!result) break;
  }
  if (result) result = decoder.finish(found);
  Answer out{result.has_value(), {}};
  for (const auto& text : found) {
    require(!text.empty(), "no piece is empty");
    require(portcullis::text::is_utf8(text), "every piece is valid UTF-8");
    out.text += text;
  }
  require(out.text.size() <= kMaxBytes, "the limit holds");
  require(!out.ok || !out.text.empty(), "an answer has text");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const auto type = kTypes[data[0] % std::size(kTypes)];
  const auto bytes = portcullis::fuzz::text_of(data + 2, size - 2);
  const Answer whole = decode(type, {bytes});
  const Answer cut = decode(type, portcullis::fuzz::split(bytes, data[1]));
  require(whole.ok == cut.ok, "an answer or a failure, however it is cut");
  require(!whole.ok || whole.text == cut.text, "one text, however it is cut");
  return 0;
}

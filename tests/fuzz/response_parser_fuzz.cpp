// An upstream's response as bytes: the same head and body however it is cut.
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/head_parser.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::http::ResponseParser;

struct Answer {
  bool head_done = false;
  bool done = false;
  int status = 0;
  std::string content_type;
  std::string body;
};

Answer parse(const std::vector<std::string_view>& pieces, bool head_request, bool ends) {
  ResponseParser parser(head_request);
  Answer out;
  std::string held;
  bool failed = false;
  for (const auto piece : pieces) {
    held += piece;
    const auto used = parser.put(held, out.body);
    if (!used) {
      failed = true;
      break;
    }
    require(*used <= held.size(), "no more is consumed than there is");
    held.erase(0, *used);
  }
  if (!failed && ends) failed = !parser.put_eof().has_value();
  if (!failed) {
    out.head_done = parser.head_done();
    out.done = parser.done();
  }
  if (out.head_done) {
    const auto& head = parser.head();
    require(head.status >= 200 && head.status <= 999, "interim answers are skipped");
    require(head.content_type.find_first_of("\r\n") == std::string::npos, "no value ends its line");
    require(!(out.done && !head_request && head.content_length && !head.chunked) ||
                out.body.size() == *head.content_length || head.status == 204 || head.status == 304,
            "a body has the length that was stated");
    out.status = head.status;
    out.content_type = head.content_type;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const auto bytes = portcullis::fuzz::text_of(data + 2, size - 2);
  const bool head_request = (data[0] & 1) != 0;
  const bool ends = (data[0] & 2) != 0;
  const Answer whole = parse({bytes}, head_request, ends);
  const Answer cut = parse(portcullis::fuzz::split(bytes, data[1]), head_request, ends);
  require(whole.done == cut.done, "done or not, however it is cut");
  if (!whole.done) return 0;
  require(whole.status == cut.status && whole.content_type == cut.content_type,
          "one head, however it is cut");
  require(whole.body == cut.body, "one body, however it is cut");
  return 0;
}

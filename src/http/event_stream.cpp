#include "http/event_stream.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::http::sse {

void append_event(std::string& out, std::uint64_t id, std::string_view event,
                  std::string_view data) {
  if (id != 0) {
    out += "id: ";
    text::append_number(out, id);
    out += '\n';
  }
  if (!event.empty()) {
    out += "event: ";
    out += event;
    out += '\n';
  }
  // Each kind of line end is looked for once over the whole of it; most data has none.
  std::size_t start = 0;
  std::size_t cr = data.find('\r');
  std::size_t lf = data.find('\n');
  while (true) {
    const std::size_t end = std::min(cr, lf);
    out += "data: ";
    out += data.substr(start, end - start);
    out += '\n';
    if (end == std::string_view::npos) break;
    start = end == cr && lf == cr + 1 ? end + 2 : end + 1;
    if (cr < start) cr = data.find('\r', start);
    if (lf < start) lf = data.find('\n', start);
  }
  out += '\n';
}

void append_retry(std::string& out, std::uint32_t milliseconds) {
  out += "retry: ";
  text::append_number(out, milliseconds);
  out += "\n\n";
}

}  // namespace portcullis::http::sse

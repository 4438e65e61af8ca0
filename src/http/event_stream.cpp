#include "http/event_stream.hpp"

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
  while (true) {
    const auto end = data.find_first_of("\r\n");
    out += "data: ";
    out += data.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) break;
    const bool pair = data[end] == '\r' && end + 1 < data.size() && data[end + 1] == '\n';
    data.remove_prefix(end + (pair ? 2 : 1));
  }
  out += '\n';
}

void append_retry(std::string& out, std::uint32_t milliseconds) {
  out += "retry: ";
  text::append_number(out, milliseconds);
  out += "\n\n";
}

}  // namespace portcullis::http::sse

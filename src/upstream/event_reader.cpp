#include "upstream/event_reader.hpp"

#include <utility>

namespace portcullis::upstream {
namespace {

std::unexpected<Error> too_long() {
  return fail(ErrorCode::too_large, "an event is too long", ErrorOrigin::upstream);
}

}  // namespace

Result<void> EventReader::put(std::string_view bytes, std::vector<Event>& events) {
  held_ += bytes;
  return run(false, events);
}

Result<void> EventReader::finish(std::vector<Event>& events) {
  if (auto done = run(true, events); !done) return done;
  end_event(events);
  return {};
}

Result<void> EventReader::run(bool at_end, std::vector<Event>& events) {
  std::size_t start = 0;
  while (true) {
    std::size_t end = start;
    while (end < held_.size() && held_[end] != '\n' && held_[end] != '\r') ++end;
    std::size_t next = end;
    if (end == held_.size()) {
      if (!at_end || start == end) break;  // at the end: the last line without its newline
    } else {
      // A CR at the very end may be the first half of a CRLF.
      if (held_[end] == '\r' && end + 1 == held_.size() && !at_end) break;
      next = end + (held_[end] == '\r' && end + 1 < held_.size() && held_[end + 1] == '\n' ? 2 : 1);
    }
    const std::string_view line(held_.data() + start, end - start);
    start = next;
    if (auto taken = take_line(line, events); !taken) return taken;
  }
  held_.erase(0, start);
  if (held_.size() > max_bytes_) return too_long();
  return {};
}

Result<void> EventReader::take_line(std::string_view line, std::vector<Event>& events) {
  if (line.empty()) {
    end_event(events);
    return {};
  }
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
    if (event_.data.size() > max_bytes_) return too_long();
  } else if (name == "event") {
    event_.name = value;
  }
  return {};
}

void EventReader::end_event(std::vector<Event>& events) {
  Event event = std::exchange(event_, {});
  if (std::exchange(has_data_, false)) events.push_back(std::move(event));
}

}  // namespace portcullis::upstream

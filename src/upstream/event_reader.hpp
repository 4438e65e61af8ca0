#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace portcullis::upstream {

/// Reads server-sent events, split anywhere and with any of the three line ends.
///
/// Threads: none.  Memory: one event of at most `max_bytes`, and one line of it.
/// Errors:  too_large. After an error nothing more may be put.
/// Source:  WHATWG HTML, section 9.2.6; `id`, `retry` and comments are read over.
class EventReader {
 public:
  struct Event {
    std::string name;
    std::string data;
  };

  explicit EventReader(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Takes bytes as they arrive; appends each event whose end has come.
  Result<void> put(std::string_view bytes, std::vector<Event>& events);
  /// Nothing more comes: an event without its empty line counts as well, as not every server
  /// writes the last one.
  Result<void> finish(std::vector<Event>& events);

 private:
  Result<void> run(bool at_end, std::vector<Event>& events);
  Result<void> take_line(std::string_view line, std::vector<Event>& events);
  void end_event(std::vector<Event>& events);

  std::size_t max_bytes_;
  std::string held_;  ///< of a line that is not complete yet
  Event event_;
  bool has_data_ = false;
};

}  // namespace portcullis::upstream

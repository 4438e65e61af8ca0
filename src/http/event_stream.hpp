#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::http {

/// Writes server-sent events (WHATWG HTML, section 9.2): each line of `data` becomes a `data:`
/// line, so that no text can break out of its event.
///
/// Threads: pure functions.
namespace sse {

/// `id` 0: none; `event` empty: the unnamed kind.
void append_event(std::string& out, std::uint64_t id, std::string_view event,
                  std::string_view data);
void append_retry(std::string& out, std::uint32_t milliseconds);

}  // namespace sse

}  // namespace portcullis::http

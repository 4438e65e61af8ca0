#pragma once
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace portcullis::http {

/// A date in one of the three forms that a recipient must read; nullopt for anything else.
///
/// The name of the day is checked to be one, not to be the right one.
/// Source: RFC 9110 section 5.6.7.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, WallTime now);

/// How long a Retry-After field asks to wait: seconds, or a date as seen from `now`. A date that
/// has passed is 0; parts of a second count as a whole one. nullopt where it is neither.
///
/// Source: RFC 9110 section 10.2.3.
std::optional<Seconds> parse_retry_after(std::string_view text, WallTime now);

/// The same of an answer that may also have `retry-after-ms`, the more precise form of some APIs,
/// which counts first: whole milliseconds; parts of one are dropped.
std::optional<Milliseconds> parse_retry_after(std::string_view text, std::string_view millis,
                                              WallTime now);

}  // namespace portcullis::http

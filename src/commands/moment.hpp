#pragma once
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace portcullis::commands {

/// A time as people write it: how long from now ("45m", "12h", "90d"), a day ("2027-01-31", its
/// beginning in UTC) or an RFC 3339 time.
/// @returns invalid_input for anything else, and for more than ten years from now.
Result<WallTime> moment_in(std::string_view text, WallTime now);

}  // namespace portcullis::commands

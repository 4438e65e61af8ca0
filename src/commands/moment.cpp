#include "commands/moment.hpp"

#include "base/text.hpp"

namespace portcullis::commands {
namespace {

constexpr std::string_view kDay = "2027-01-31";
constexpr Seconds kFarthest{10LL * 366 * 24 * 3600};

Seconds unit_of(char letter) {
  switch (letter) {
    case 's':
      return Seconds{1};
    case 'm':
      return Seconds{60};
    case 'h':
      return Seconds{3600};
    case 'd':
      return Seconds{24 * 3600};
    default:
      return Seconds{0};
  }
}

}  // namespace

Result<WallTime> moment_in(std::string_view text, WallTime now) {
  const auto refused = [&](const char* why) {
    return fail(ErrorCode::invalid_input, "'" + std::string(text) + "' " + why,
                ErrorOrigin::client);
  };
  constexpr const char* kForms = "is no time: write 90d, 12h, 2027-01-31 or 2027-01-31T08:00:00Z";
  constexpr const char* kTooFar = "is more than ten years from now";
  if (text.empty()) return refused(kForms);
  std::optional<WallTime> out;
  const auto number = text::parse_number<std::uint32_t>(text.substr(0, text.size() - 1));
  if (const auto unit = unit_of(text.back()); number && unit.count() > 0) {
    // Before it is counted in nanoseconds, of which there are not as many.
    if (*number * unit > kFarthest) return refused(kTooFar);
    out = now + *number * unit;
  } else if (text.size() == kDay.size()) {
    out = text::parse_iso8601(std::string(text) + "T00:00:00Z");
  } else {
    out = text::parse_iso8601(text);
  }
  if (!out) return refused(kForms);
  if (*out > now + kFarthest) return refused(kTooFar);
  return *out;
}

}  // namespace portcullis::commands

#include "http/retry_after.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::http {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The parts of a date as they were written.
struct Parts {
  unsigned day = 0;
  unsigned month = 0;
  int year = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

/// Takes a text apart from the left; each step says whether the text went on as it must.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  bool short_day() {
    return std::ranges::any_of(kDays, [&](auto day) { return literal(day.substr(0, 3)); });
  }
  bool long_day() {
    return std::ranges::any_of(kDays, [&](auto day) { return literal(day); });
  }
  bool month(Parts& parts) {
    for (parts.month = 1; parts.month <= kMonths.size(); ++parts.month) {
      if (literal(kMonths[parts.month - 1])) return true;
    }
    return false;
  }
  template <typename Number>
  bool digits(std::size_t count, Number& out) {
    const auto value = text::parse_number<unsigned>(rest_.substr(0, count));
    if (rest_.size() < count || !value) return false;
    out = static_cast<Number>(*value);
    rest_.remove_prefix(count);
    return true;
  }
  bool time(Parts& parts) {
    return digits(2, parts.hour) && literal(":") && digits(2, parts.minute) && literal(":") &&
           digits(2, parts.second);
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// `Sun, 06 Nov 1994 08:49:37 GMT`
bool fixed(Reader in, Parts& parts) {
  return in.short_day() && in.literal(", ") && in.digits(2, parts.day) && in.literal(" ") &&
         in.month(parts) && in.literal(" ") && in.digits(4, parts.year) && in.literal(" ") &&
         in.time(parts) && in.literal(" GMT") && in.at_end();
}

/// `Sun Nov  6 08:49:37 1994`
bool asctime(Reader in, Parts& parts) {
  return in.short_day() && in.literal(" ") && in.month(parts) && in.literal(" ") &&
         (in.literal(" ") ? in.digits(1, parts.day) : in.digits(2, parts.day)) && in.literal(" ") &&
         in.time(parts) && in.literal(" ") && in.digits(4, parts.year) && in.at_end();
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`: of the years with these two digits the latest that is not more
/// than 50 years ahead.
bool rfc850(Reader in, Parts& parts, WallTime now) {
  const bool ok = in.long_day() && in.literal(", ") && in.digits(2, parts.day) && in.literal("-") &&
                  in.month(parts) && in.literal("-") && in.digits(2, parts.year) &&
                  in.literal(" ") && in.time(parts) && in.literal(" GMT") && in.at_end();
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int latest = int(today.year()) + 50;
  parts.year += (latest - parts.year) / 100 * 100;
  return ok;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, WallTime now) {
  Parts parts;
  const Reader in(text);
  if (!fixed(in, parts) && !asctime(in, parts) && !rfc850(in, parts, now)) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{parts.year}, std::chrono::month{parts.month}, std::chrono::day{parts.day}};
  // A minute may have a leap second.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{parts.hour} +
         std::chrono::minutes{parts.minute} + Seconds{parts.second};
}

std::optional<Seconds> parse_retry_after(std::string_view text, WallTime now) {
  if (const auto seconds = text::parse_number<std::uint32_t>(text)) return Seconds{*seconds};
  const auto date = parse_http_date(text, now);
  if (!date) return std::nullopt;
  // In whole seconds: nanoseconds end in the year 2262, dates in 9999.
  return std::max(Seconds{0}, *date - std::chrono::floor<Seconds>(now));
}

std::optional<Milliseconds> parse_retry_after(std::string_view text, std::string_view millis,
                                              WallTime now) {
  const auto whole = millis.substr(0, millis.find('.'));
  if (const auto count = text::parse_number<std::uint32_t>(whole)) return Milliseconds{*count};
  const auto seconds = parse_retry_after(text, now);
  return seconds ? std::optional<Milliseconds>(*seconds) : std::nullopt;
}

}  // namespace portcullis::http

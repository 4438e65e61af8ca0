#include "schema/format.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>

#include "base/text.hpp"

namespace portcullis::schema {
namespace {

constexpr std::size_t kMaxLocalPart = 64;
constexpr std::size_t kMaxDomain = 253;
constexpr std::size_t kMaxLabel = 63;

/// Takes fields of fixed width off the front of a text.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  /// -1 where that many digits do not follow.
  int number(std::size_t digits) {
    const auto text = rest_.substr(0, digits);
    if (text.size() != digits || !std::ranges::all_of(text, text::is_digit)) return -1;
    rest_.remove_prefix(digits);
    return *text::parse_number<int>(text);
  }
  /// '\0' where none of these follows.
  char one_of(std::string_view chars) {
    if (rest_.empty() || !chars.contains(rest_.front())) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void skip_digits() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

int days_of(int year, int month) {
  const auto first = std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month)};
  return static_cast<int>(
      static_cast<unsigned>(std::chrono::year_month_day_last{first / std::chrono::last}.day()));
}

bool is_date(Fields& in) {
  const int year = in.number(4);
  if (year < 0 || !in.one_of("-")) return false;
  const int month = in.number(2);
  if (month < 1 || month > 12 || !in.one_of("-")) return false;
  const int day = in.number(2);
  return day >= 1 && day <= days_of(year, month);
}

bool is_date_time(std::string_view text) {
  Fields in(text);
  if (!is_date(in) || !in.one_of("Tt")) return false;
  const int hour = in.number(2);
  if (hour < 0 || hour > 23 || !in.one_of(":")) return false;
  const int minute = in.number(2);
  if (minute < 0 || minute > 59 || !in.one_of(":")) return false;
  const int second = in.number(2);
  if (second < 0 || second > 60) return false;
  if (in.one_of(".")) {
    if (in.number(1) < 0) return false;
    in.skip_digits();
  }
  int offset = 0;
  if (!in.one_of("Zz")) {
    const char sign = in.one_of("+-");
    const int hours = sign == '\0' ? -1 : in.number(2);
    if (hours < 0 || hours > 23 || !in.one_of(":")) return false;
    const int minutes = in.number(2);
    if (minutes < 0 || minutes > 59) return false;
    offset = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  }
  constexpr int kDay = 24 * 60;
  const int utc = (hour * 60 + minute - offset + 2 * kDay) % kDay;
  return in.done() && (second < 60 || utc == kDay - 1);
}

bool is_domain(std::string_view domain) {
  if (domain.size() > kMaxDomain) return false;
  while (true) {
    const auto label = domain.substr(0, domain.find('.'));
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return text::is_alnum(c) || c == '-'; })) {
      return false;
    }
    if (label.size() == domain.size()) return true;
    domain.remove_prefix(label.size() + 1);
  }
}

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > kMaxLocalPart) return false;
  const auto local = text.substr(0, at);
  const bool plain =
      local.front() != '.' && local.back() != '.' && local.find("..") == std::string_view::npos &&
      std::ranges::all_of(local, [](char c) {
        return text::is_alnum(c) || std::string_view(".!#$%&'*+-/=?^_`{|}~").contains(c);
      });
  return plain && is_domain(text.substr(at + 1));
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text::lower(text[i]);
    if (hyphen ? c != '-' : !text::is_digit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

struct Named {
  Format format;
  std::string_view name;
};
constexpr Named kFormats[] = {{Format::date_time, "date-time"},
                              {Format::email, "email"},
                              {Format::uri, "uri"},
                              {Format::uuid, "uuid"}};

}  // namespace

std::string_view name_of(Format format) noexcept {
  return std::ranges::find(kFormats, format, &Named::format)->name;
}

std::optional<Format> format_of(std::string_view name) noexcept {
  const auto* at = std::ranges::find(kFormats, name, &Named::name);
  if (at == std::end(kFormats)) return std::nullopt;
  return at->format;
}

bool has_format(std::string_view text, Format format) noexcept {
  switch (format) {
    case Format::date_time:
      return is_date_time(text);
    case Format::email:
      return is_email(text);
    case Format::uri:
      return boost::urls::parse_uri({text.data(), text.size()}).has_value();
    case Format::uuid:
      return is_uuid(text);
  }
  return false;
}

}  // namespace portcullis::schema

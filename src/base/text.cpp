#include "base/text.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "base/swar.hpp"

namespace portcullis::text {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr auto kBase64UrlValues = [] {
  std::array<std::int16_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kBase64Url.size(); ++i) {
    table[static_cast<unsigned char>(kBase64Url[i])] = static_cast<std::int16_t>(i);
  }
  return table;
}();

/// Characters that stand in a JSON string as they are.
constexpr auto kJsonPlain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x80; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

constexpr std::size_t kBlock = 16;

/// Whether one of sixteen bytes may not stand in a JSON string as it is, or needs a closer look.
bool needs_json_care(const char* bytes) noexcept {
  using Block [[gnu::vector_size(kBlock)]] = signed char;
  Block block;
  std::memcpy(&block, bytes, kBlock);
  // Signed: a byte beyond ASCII counts as below the blank, too.
  const auto care = (block < 0x20) | (block == '"') | (block == '\\');
  std::uint64_t halves[2];
  std::memcpy(halves, &care, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

unsigned byte_at(std::string_view s, std::size_t i) noexcept {
  return static_cast<unsigned char>(s[i]);
}

/// Length of the well-formed sequence at `i`; 0 where it is ill-formed or cut.
/// Source: Unicode 15 table 3-7.
std::size_t sequence_length(std::string_view s, std::size_t i) noexcept {
  const unsigned lead = byte_at(s, i);
  if (lead < 0x80) return 1;
  const auto tail = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xbf) {
    return at < s.size() && byte_at(s, at) >= low && byte_at(s, at) <= high;
  };
  if (lead >= 0xc2 && lead <= 0xdf) return tail(i + 1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return tail(i + 1, low, high) && tail(i + 2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return tail(i + 1, low, high) && tail(i + 2) && tail(i + 3) ? 4 : 0;
  }
  return 0;
}

std::uint32_t code_point(std::string_view s, std::size_t i, std::size_t length) noexcept {
  if (length == 1) return byte_at(s, i);
  std::uint32_t value = byte_at(s, i) & (0xffU >> (length + 1));
  for (std::size_t k = 1; k < length; ++k) value = (value << 6) | (byte_at(s, i + k) & 0x3f);
  return value;
}

/// White space of Unicode (property White_Space) and the invisible characters that make a message
/// look empty: zero-width space and joiners, word joiner, BOM, soft hyphen, Hangul fillers.
bool is_blank_code_point(std::uint32_t c) noexcept {
  return c == 0x20 || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0xad ||
         c == 0x115f || c == 0x1160 || c == 0x1680 || c == 0x180e || (c >= 0x2000 && c <= 0x200f) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 || c == 0x2800 ||
         c == 0x3000 || c == 0x3164 || c == 0xfeff || c == 0xffa0;
}

std::tm utc(WallTime time) noexcept {
  const std::time_t seconds = epoch_seconds(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::string format_time(const char* format, const std::tm& parts) {
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts)};
}

/// A fraction of a second, where there is one, and what comes behind it.
std::optional<std::pair<WallTime::duration, std::string_view>> take_fraction(
    std::string_view s) noexcept {
  WallTime::duration value{0};
  if (!s.starts_with('.')) return std::pair(value, s);
  s.remove_prefix(1);
  WallTime::duration unit = std::chrono::seconds{1};
  const std::size_t first = s.size();
  while (!s.empty() && is_digit(s.front())) {
    unit /= 10;
    value += unit * (s.front() - '0');
    s.remove_prefix(1);
  }
  if (s.size() == first) return std::nullopt;
  return std::pair(value, s);
}

/// How far local time is ahead: `Z`, `+01:00`.
std::optional<std::chrono::minutes> parse_zone(std::string_view s) noexcept {
  if (s == "Z") return std::chrono::minutes{0};
  if (s.size() != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':') return std::nullopt;
  const auto hours = parse_number<unsigned>(s.substr(1, 2));
  const auto minutes = parse_number<unsigned>(s.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes out = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return s[0] == '+' ? out : -out;
}

}  // namespace

CodePoint code_point_at(std::string_view s, std::size_t i) noexcept {
  const std::size_t length = sequence_length(s, i);
  return length == 0 ? CodePoint{} : CodePoint{code_point(s, i, length), length};
}

std::string to_lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = lower(c);
  return out;
}

std::string to_upper(std::string_view s) {
  std::string out(s);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool istarts_with(std::string_view s, std::string_view prefix) noexcept {
  return s.size() >= prefix.size() && iequals(s.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view s) noexcept {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

std::string_view trim_unicode(std::string_view s) noexcept {
  while (!s.empty()) {
    const std::size_t length = sequence_length(s, 0);
    if (length == 0 || !is_blank_code_point(code_point(s, 0, length))) break;
    s.remove_prefix(length);
  }
  while (!s.empty()) {
    std::size_t start = s.size() - 1;
    while (start > 0 && (byte_at(s, start) & 0xc0) == 0x80) --start;
    const std::size_t length = sequence_length(s, start);
    if (length == 0 || !is_blank_code_point(code_point(s, start, length))) break;
    s.remove_suffix(s.size() - start);
  }
  return s;
}

std::vector<std::string_view> split_list(std::string_view s, char separator) {
  std::vector<std::string_view> out;
  while (!s.empty()) {
    const auto at = s.find(separator);
    const auto piece = trim(s.substr(0, at));
    if (!piece.empty()) out.push_back(piece);
    if (at == std::string_view::npos) break;
    s.remove_prefix(at + 1);
  }
  return out;
}

bool is_utf8(std::string_view s) noexcept {
  std::size_t i = 0;
  while (i < s.size()) {
    if (byte_at(s, i) < 0x80) {
      ++i;
      while (i + 8 <= s.size() && !swar::any_beyond_ascii(swar::load(s.data() + i))) i += 8;
      continue;
    }
    const std::size_t length = sequence_length(s, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::size_t utf8_length(std::string_view s) noexcept {
  std::size_t count = 0;
  for (const char c : s) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

std::string_view utf8_prefix(std::string_view s, std::size_t max_bytes) noexcept {
  if (s.size() <= max_bytes) return s;
  std::size_t end = max_bytes;
  while (end > 0 && (byte_at(s, end) & 0xc0) == 0x80) --end;
  return s.substr(0, end);
}

std::size_t incomplete_utf8_suffix(std::string_view s) noexcept {
  for (std::size_t back = 1; back <= 3 && back <= s.size(); ++back) {
    const unsigned byte = byte_at(s, s.size() - back);
    if ((byte & 0xc0) == 0x80) continue;
    const std::size_t need = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return need > back ? back : 0;
  }
  return 0;
}

std::string to_valid_utf8(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size();) {
    const std::size_t length = sequence_length(s, i);
    if (length == 0) {
      out += kReplacement;
      ++i;
    } else {
      out += s.substr(i, length);
      i += length;
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view s) {
  const auto value = [](char c) {
    if (is_digit(c)) return c - '0';
    if (is_alpha(c) && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
    return -1;
  };
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    if (i + 2 >= s.size() || value(s[i + 1]) < 0 || value(s[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(value(s[i + 1]) * 16 + value(s[i + 2]));
    i += 2;
  }
  return out;
}

void append_percent_encoded(std::string& out, std::string_view s) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : s) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    ((out += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
}

std::string base64url(std::string_view bytes) {
  std::string out;
  append_base64url(out, bytes);
  return out;
}

void append_base64url(std::string& out, std::string_view bytes) {
  const std::size_t before = out.size();
  out.resize(before + (bytes.size() * 4 + 2) / 3);
  char* to = out.data() + before;
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const unsigned v = byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    *to++ = kBase64Url[v >> 18];
    *to++ = kBase64Url[v >> 12 & 63];
    *to++ = kBase64Url[v >> 6 & 63];
    *to++ = kBase64Url[v & 63];
  }
  if (i < bytes.size()) {
    const bool two = i + 2 == bytes.size();
    const unsigned v = byte_at(bytes, i) << 16 | (two ? byte_at(bytes, i + 1) << 8 : 0);
    *to++ = kBase64Url[v >> 18];
    *to++ = kBase64Url[v >> 12 & 63];
    if (two) *to++ = kBase64Url[v >> 6 & 63];
  }
}

std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out(text.size() * 3 / 4, '\0');
  char* to = out.data();
  int bad = 0;
  const auto value = [&](std::size_t i) {
    const int v = kBase64UrlValues[byte_at(text, i)];
    bad |= v;
    return static_cast<unsigned>(v);
  };
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const unsigned v = value(i) << 18 | value(i + 1) << 12 | value(i + 2) << 6 | value(i + 3);
    *to++ = static_cast<char>(v >> 16);
    *to++ = static_cast<char>(v >> 8);
    *to++ = static_cast<char>(v);
  }
  unsigned bits = 0;
  unsigned count = 0;
  for (; i < text.size(); ++i) {
    bits = bits << 6 | value(i);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = static_cast<char>(bits >> count & 0xff);
    }
  }
  // Bits left over must be zero: one value has one spelling, so a token cannot be varied.
  if (bad < 0 || (bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHexDigits[static_cast<unsigned char>(c) >> 4];
    out += kHexDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string iso8601(WallTime time) { return format_time("%Y-%m-%dT%H:%M:%SZ", utc(time)); }

std::string iso8601_millis(WallTime time) {
  std::string out = format_time("%Y-%m-%dT%H:%M:%S.", utc(time));
  const auto millis = static_cast<unsigned>(epoch_millis(time) % 1000);
  out += static_cast<char>('0' + millis / 100);
  out += static_cast<char>('0' + millis / 10 % 10);
  out += static_cast<char>('0' + millis % 10);
  out += 'Z';
  return out;
}

std::optional<WallTime> parse_iso8601(std::string_view s) noexcept {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (s.size() <= kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !is_digit(s[i]) : s[i] != kForm[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t length) {
    return parse_number<int>(s.substr(at, length)).value_or(0);
  };
  const std::chrono::year_month_day date{std::chrono::year{part(0, 4)},
                                         std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  // What the clock's 64 bits hold for certain. The last second of a day may be its 61st.
  const bool near = part(0, 4) >= 1970 && part(0, 4) < 2200;
  if (!near || !date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60)
    return std::nullopt;
  const auto fraction = take_fraction(s.substr(kForm.size()));
  const auto zone = fraction ? parse_zone(fraction->second) : std::nullopt;
  if (!zone) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(part(11, 2)) +
         std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2)) + fraction->first -
         *zone;
}

std::string http_date(WallTime time) { return format_time("%a, %d %b %Y %H:%M:%S GMT", utc(time)); }

void append_json_string(std::string& out, std::string_view s) {
  out += '"';
  std::size_t plain = 0;  // start of the run not yet copied
  std::size_t i = 0;
  const auto flush = [&](std::size_t end) { out += s.substr(plain, end - plain); };
  while (true) {
    while (i + kBlock <= s.size() && !needs_json_care(s.data() + i)) i += kBlock;
    // The rest makes a block with bytes that were looked at before.
    const bool rest = i + kBlock > s.size() && s.size() >= kBlock;
    if (rest && !needs_json_care(s.data() + s.size() - kBlock)) break;
    while (i < s.size() && kJsonPlain[byte_at(s, i)]) ++i;
    if (i == s.size()) break;
    const unsigned c = byte_at(s, i);
    if (c >= 0x80) {
      const std::size_t length = sequence_length(s, i);
      const bool separator =
          length == 3 && c == 0xe2 && byte_at(s, i + 1) == 0x80 && (byte_at(s, i + 2) | 1) == 0xa9;
      if (length != 0 && !separator) {
        i += length;
        continue;
      }
      flush(i);
      if (separator) {
        out += byte_at(s, i + 2) == 0xa8 ? "\\u2028" : "\\u2029";
        i += 3;
      } else {
        out += kReplacement;
        i += 1;
      }
      plain = i;
      continue;
    }
    flush(i);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHexDigits[c >> 4];
        out += kHexDigits[c & 15];
    }
    plain = ++i;
  }
  flush(s.size());
  out += '"';
}

}  // namespace portcullis::text

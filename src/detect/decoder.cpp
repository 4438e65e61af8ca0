#include "detect/decoder.hpp"

#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = text::lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// UTF-8, so that a later pass folds what was escaped like what was not.
void append_code_point(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | ((c >> 18) & 0x07));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

struct Number {
  std::uint32_t value = 0;
  std::size_t digits = 0;
};

/// Digits of this base at the start of `s`, at most `most` of them.
Number read_number(std::string_view s, unsigned base, std::size_t most) noexcept {
  Number out;
  while (out.digits < s.size() && out.digits < most) {
    const int v = hex_value(s[out.digits]);
    if (v < 0 || static_cast<unsigned>(v) >= base) break;
    out.value = out.value * base + static_cast<std::uint32_t>(v);
    ++out.digits;
  }
  return out;
}

/// Each reader below takes the text from its escape character on and appends what it stands for.
/// @returns how much of the text that was; 0: no escape.
std::size_t read_percent(std::string_view s, std::string& out) {
  if (s.size() >= 6 && (s[1] | 32) == 'u') {
    const Number n = read_number(s.substr(2), 16, 4);
    if (n.digits != 4) return 0;
    append_code_point(out, n.value);
    return 6;
  }
  const Number n = read_number(s.substr(1), 16, 2);
  if (n.digits != 2) return 0;
  out += static_cast<char>(n.value);
  return 3;
}

std::size_t read_backslash(std::string_view s, std::string& out) {
  if (s.size() < 2) return 0;
  if (s[1] == '/') {
    out += '/';
    return 2;
  }
  if (s[1] == 'x') {
    const Number n = read_number(s.substr(2), 16, 2);
    if (n.digits != 2) return 0;
    out += static_cast<char>(n.value);
    return 4;
  }
  if (s[1] == 'u' && s.size() > 2 && s[2] == '{') {
    const Number n = read_number(s.substr(3), 16, 6);
    if (n.digits == 0 || 3 + n.digits >= s.size() || s[3 + n.digits] != '}') return 0;
    append_code_point(out, n.value);
    return n.digits + 4;
  }
  if (s[1] == 'u' || s[1] == 'U') {
    const std::size_t width = s[1] == 'u' ? 4 : 8;
    const Number n = read_number(s.substr(2), 16, width);
    if (n.digits != width) return 0;
    append_code_point(out, n.value);
    return width + 2;
  }
  const Number n = read_number(s.substr(1), 8, 3);
  if (n.digits != 3 || n.value > 0xff) return 0;
  out += static_cast<char>(n.value);
  return 4;
}

struct Entity {
  std::string_view name;
  char character;
};
constexpr Entity kEntities[] = {
    {"lt", '<'},     {"gt", '>'},     {"amp", '&'},      {"quot", '"'},   {"apos", '\''},
    {"nbsp", ' '},   {"tab", '\t'},   {"newline", '\n'}, {"colon", ':'},  {"lpar", '('},
    {"rpar", ')'},   {"sol", '/'},    {"bsol", '\\'},    {"excl", '!'},   {"num", '#'},
    {"dollar", '$'}, {"percnt", '%'}, {"semi", ';'},     {"equals", '='}, {"quest", '?'},
    {"lbrack", '['}, {"rbrack", ']'}, {"lsqb", '['},     {"rsqb", ']'},   {"lbrace", '{'},
    {"lcub", '{'},   {"rbrace", '}'}, {"rcub", '}'},     {"grave", '`'},  {"period", '.'},
    {"comma", ','},  {"plus", '+'},   {"ast", '*'},      {"lowbar", '_'}, {"vert", '|'},
    {"verbar", '|'}, {"hyphen", '-'}, {"dash", '-'},     {"commat", '@'},
};

std::size_t read_entity(std::string_view s, std::string& out) {
  if (s.size() < 3) return 0;
  if (s[1] == '#') {
    const bool hex = (s[2] | 32) == 'x';
    const std::size_t start = hex ? 3 : 2;
    std::size_t at = start;
    while (at < s.size() && at < start + 32 && s[at] == '0') ++at;
    const Number n = read_number(s.substr(at), hex ? 16 : 10, 7);
    if (n.digits == 0 && at == start) return 0;
    append_code_point(out, n.value);
    at += n.digits;
    return at < s.size() && s[at] == ';' ? at + 1 : at;
  }
  const std::size_t end = s.substr(0, 10).find(';');
  if (end == std::string_view::npos) return 0;
  const std::string_view name = s.substr(1, end - 1);
  for (const auto& entity : kEntities) {
    if (!text::iequals(entity.name, name)) continue;
    out += entity.character;
    return end + 1;
  }
  return 0;
}

std::size_t read_escape(std::string_view s, std::string& out) {
  switch (s.front()) {
    case '%':
      return read_percent(s, out);
    case '\\':
      return read_backslash(s, out);
    case '&':
      return read_entity(s, out);
    default:
      return 0;
  }
}

/// A character as it was written, in however many bytes, and what it is folded to.
struct Folded {
  std::size_t bytes = 1;
  int ascii = -1;  ///< as this character; -1: as it was written
  bool vanish = false;
};

/// Overlong forms and the code point that they hide. Lenient readers take the low six bits of
/// whatever follows the first byte.
Folded fold_overlong(std::string_view s) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned first = byte(0);
  if ((first == 0xc0 || first == 0xc1) && s.size() >= 2) {
    return {2, static_cast<int>(((first & 1U) << 6) | (byte(1) & 0x3fU)), false};
  }
  std::size_t length = 0;
  if (first == 0xe0) length = 3;
  if (first == 0xf0) length = 4;
  if (first == 0xf8) length = 5;
  if (first == 0xfc) length = 6;
  if (length == 0 || s.size() < length) return {};
  for (std::size_t i = 1; i + 2 < length; ++i) {
    if (byte(i) != 0x80) return {};
  }
  const unsigned high = byte(length - 2);
  if (high != 0x80 && high != 0x81) return {};
  return {length, static_cast<int>(((high & 1U) << 6) | (byte(length - 1) & 0x3fU)), false};
}

/// Mathematical letters and digits, U+1D400 to U+1D7FF.
int fold_mathematical(std::uint32_t c) noexcept {
  if (c >= 0x1d7ce && c <= 0x1d7ff) return static_cast<int>('0' + (c - 0x1d7ce) % 10);
  if (c < 0x1d400 || c >= 0x1d6a4) return -1;
  const std::uint32_t letter = (c - 0x1d400) % 52;
  return static_cast<int>(letter < 26 ? 'A' + letter : 'a' + letter - 26);
}

Folded fold_character(std::string_view s) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x20 || first == 0x7f) {
    return {1, -1, first != '\t' && first != '\n' && first != '\r'};
  }
  if (first < 0x80) return {};
  if (first == 0xc2 && byte(1) == 0xad) return {2, -1, true};    // soft hyphen
  if (first == 0xc2 && byte(1) == 0xa0) return {2, ' ', false};  // no-break space
  if (first == 0xe2 && byte(1) == 0x80) {
    if (byte(2) >= 0x8b && byte(2) <= 0x8f) return {3, -1, true};     // zero-width, direction
    if (byte(2) >= 0xaa && byte(2) <= 0xae) return {3, -1, true};     // direction
    if (byte(2) == 0xa4 || byte(2) == 0xa5) return {3, '.', false};   // leaders
    if (byte(2) == 0x98 || byte(2) == 0x99) return {3, '\'', false};  // ‘ ’
    if (byte(2) == 0x9c || byte(2) == 0x9d) return {3, '"', false};   // “ ”
    return {3};
  }
  if (first == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa0 && byte(2) <= 0xaf) return {3, -1, true};
  if (first == 0xe2 && byte(1) == 0x88 && byte(2) == 0x95) return {3, '/', false};   // division
  if (first == 0xe2 && byte(1) == 0x88 && byte(2) == 0x96) return {3, '\\', false};  // set minus
  if (first == 0xef && byte(1) == 0xbb && byte(2) == 0xbf) return {3, -1, true};     // BOM
  if (first == 0xef && byte(1) == 0xbc && byte(2) >= 0x81) {
    return {3, static_cast<int>(byte(2) - 0x80 + 0x20), false};  // U+FF01 to U+FF3F
  }
  if (first == 0xef && byte(1) == 0xbd && byte(2) >= 0x80 && byte(2) <= 0x9e) {
    return {3, static_cast<int>(byte(2) - 0x80 + 0x60), false};  // U+FF40 to U+FF5E
  }
  if (first == 0xf0 && byte(1) == 0x9d) {
    const std::uint32_t c = 0x1d000U | ((byte(2) & 0x3fU) << 6) | (byte(3) & 0x3fU);
    return {4, fold_mathematical(c), false};
  }
  return fold_overlong(s);
}

constexpr std::array<std::int8_t, 256> make_base64_values() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  table['-'] = 62;  // the alphabet of URLs
  table['_'] = 63;
  return table;
}
constexpr auto kBase64 = make_base64_values();

constexpr bool is_text_byte(unsigned c) noexcept {
  return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

/// Appends what a run of base64 stands for; takes it back where that is no ASCII text.
bool append_base64_run(std::string_view run, std::string& out) {
  const std::size_t before = out.size();
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : run) {
    bits = (bits << 6) | static_cast<std::uint32_t>(kBase64[static_cast<unsigned char>(c)]);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    const unsigned byte = (bits >> have) & 0xffU;
    if (!is_text_byte(byte)) {
      out.resize(before);
      return false;
    }
    out += static_cast<char>(byte);
  }
  out += '\n';
  return true;
}

constexpr std::size_t kShortestRun = 8;

}  // namespace

bool decode_escapes(std::string_view text, std::string& out) {
  out.clear();
  bool changed = false;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && text[end] != '%' && text[end] != '\\' && text[end] != '&') ++end;
    out.append(text.substr(i, end - i));
    if (end == text.size()) break;
    const std::size_t used = read_escape(text.substr(end), out);
    if (used == 0) out += text[end];
    changed |= used != 0;
    i = end + (used == 0 ? 1 : used);
  }
  return changed;
}

bool fold_characters(std::string_view text, std::string& out) {
  out.clear();
  bool changed = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f) {
      out += text[i++];
      continue;
    }
    const Folded folded = fold_character(text.substr(i));
    if (folded.ascii >= 0) {
      out += static_cast<char>(folded.ascii);
    } else if (!folded.vanish) {
      out.append(text.substr(i, folded.bytes));
    }
    changed |= folded.ascii >= 0 || folded.vanish;
    i += folded.bytes;
  }
  return changed;
}

bool decode_base64_runs(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    bool marked = false;  // a word of small letters is a word
    while (end < text.size() && kBase64[static_cast<unsigned char>(text[end])] >= 0) {
      marked |= !(text[end] >= 'a' && text[end] <= 'z');
      ++end;
    }
    if (marked && end - i >= kShortestRun && (end - i) % 4 != 1) {
      append_base64_run(text.substr(i, end - i), out);
    }
    i = end + 1;
  }
  return !out.empty();
}

}  // namespace portcullis::detect

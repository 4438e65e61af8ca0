#include "guards/content/header_grammar.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

struct Known {
  std::string_view name;
  HeaderKind kind;
};
/// By length, so that a name is compared with few.
constexpr std::array kKnown{
    Known{"te", HeaderKind::grammar},
    Known{"dnt", HeaderKind::grammar},
    Known{"via", HeaderKind::grammar},
    Known{"dpop", HeaderKind::credential},
    Known{"from", HeaderKind::grammar},
    Known{"host", HeaderKind::grammar},
    Known{"date", HeaderKind::grammar},
    Known{"range", HeaderKind::grammar},
    Known{"cookie", HeaderKind::credential},
    Known{"origin", HeaderKind::url},
    Known{"pragma", HeaderKind::grammar},
    Known{"prefer", HeaderKind::grammar},
    Known{"expect", HeaderKind::grammar},
    Known{"referer", HeaderKind::url},
    Known{"priority", HeaderKind::grammar},
    Known{"x-api-key", HeaderKind::credential},
    Known{"forwarded", HeaderKind::grammar},
    Known{"x-real-ip", HeaderKind::grammar},
    Known{"user-agent", HeaderKind::words},
    Known{"connection", HeaderKind::grammar},
    Known{"keep-alive", HeaderKind::grammar},
    Known{"tracestate", HeaderKind::grammar},
    Known{"traceparent", HeaderKind::grammar},
    Known{"x-request-id", HeaderKind::grammar},
    Known{"authorization", HeaderKind::credential},
    Known{"last-event-id", HeaderKind::grammar},
    Known{"cache-control", HeaderKind::grammar},
    Known{"transfer-encoding", HeaderKind::grammar},
    Known{"proxy-authorization", HeaderKind::credential},
    Known{"x-challenge-solution", HeaderKind::credential},
};
constexpr std::size_t kLongestName = kKnown.back().name.size();
/// Where the names of each length begin.
constexpr auto kByLength = [] {
  std::array<std::uint8_t, kLongestName + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (first[length] < kKnown.size() && kKnown[first[length]].name.size() < length) {
      ++first[length];
    }
  }
  return first;
}();
static_assert(std::ranges::is_sorted(kKnown, {}, [](const Known& k) { return k.name.size(); }));

/// Families of headers that have a grammar each.
constexpr std::array<std::string_view, 7> kFamilies{
    "accept", "content-", "sec-", "if-", "access-control-", "x-forwarded-", "upgrade"};

constexpr auto kUrlChars = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x21; c < 0x7f; ++c) table[c] = true;
  for (const char c : std::string_view("\"<>\\^`{|}")) table[static_cast<unsigned char>(c)] = false;
  return table;
}();

/// What may stand between tokens and quoted strings.
constexpr bool is_delimiter(char c) noexcept {
  return std::string_view(" \t,;=/:()@?[]").find(c) != std::string_view::npos;
}

}  // namespace

HeaderKind kind_of_header(std::string_view name) noexcept {
  if (name.size() <= kLongestName) {
    for (std::size_t i = kByLength[name.size()]; i < kByLength[name.size() + 1]; ++i) {
      if (text::iequals(kKnown[i].name, name)) return kKnown[i].kind;
    }
  }
  const bool family = std::ranges::any_of(
      kFamilies, [&](std::string_view prefix) { return text::istarts_with(name, prefix); });
  return family ? HeaderKind::grammar : HeaderKind::unknown;
}

bool follows_grammar(std::string_view value) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted) {
      if (c == '\\' && i + 1 < value.size()) {
        ++i;
      } else if (c == '"') {
        quoted = false;
      } else if (c == '<' || c == '>') {
        return false;
      }
      continue;
    }
    if (c == '"') {
      quoted = true;
    } else if (!text::is_token_char(c) && !is_delimiter(c)) {
      return false;
    }
  }
  // `$` and `{` never come together in a token: braces are none of its characters.
  return !quoted;
}

bool is_url_text(std::string_view value) noexcept {
  return std::ranges::all_of(value,
                             [](char c) { return kUrlChars[static_cast<unsigned char>(c)]; });
}

}  // namespace portcullis::guards

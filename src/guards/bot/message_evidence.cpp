#include "guards/bot/message_evidence.hpp"

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/origin.hpp"
#include "base/text.hpp"

namespace portcullis::guards {
namespace {

/// Shares of a text mean nothing where it is short: "OK!" is a third of punctuation.
constexpr std::size_t kTellingCharacters = 20;
constexpr std::size_t kTellingBytes = 30;
/// Bits a byte. English has 4.1, Russian in UTF-8 3.9, "abcabcabc" 1.6.
constexpr double kLowEntropy = 2.5;
constexpr double kHighConcentration = 0.17677669529663687;  // two to the power of minus that
constexpr std::size_t kMostHosts = 8;
constexpr std::string_view kMarks = "!?.,;:";

constexpr std::string_view kTestPhrases[] = {
    "test", "hello", "hi", "123", "abc", "test message", "automated test", "bot test"};

constexpr std::string_view kSpamWords[] = {"free",    "win",        "prize",  "money",
                                           "cash",    "discount",   "offer",  "limited time",
                                           "act now", "click here", "buy now"};

enum class Case : std::uint8_t { none, lower, capital };

/// Of the letters that nearly all texts in these scripts are written with.
Case case_of(std::uint32_t c) noexcept {
  if (c < 0x80) {
    const auto ch = static_cast<char>(c);
    if (!text::is_alpha(ch)) return Case::none;
    return ch <= 'Z' ? Case::capital : Case::lower;
  }
  if (c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7) {
    return c < 0xDF ? Case::capital : Case::lower;
  }
  if (c >= 0x100 && c <= 0x17F) return c % 2 == 0 ? Case::capital : Case::lower;
  if (c >= 0x391 && c <= 0x3A9) return Case::capital;
  if (c >= 0x3B1 && c <= 0x3C9) return Case::lower;
  if (c >= 0x400 && c <= 0x42F) return Case::capital;
  if (c >= 0x430 && c <= 0x45F) return Case::lower;
  return Case::none;
}

/// Whether the bytes of a text have an entropy (Shannon) below kLowEntropy.
bool has_low_entropy(std::string_view text) {
  std::array<std::uint32_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  const auto size = static_cast<double>(text.size());
  // The collision entropy is never above it, and costs no logarithms: enough for nearly all texts.
  std::uint64_t squares = 0;
  for (const auto count : counts) squares += std::uint64_t{count} * count;
  if (static_cast<double>(squares) < kHighConcentration * size * size) return false;
  double sum = 0;
  for (const auto count : counts) {
    if (count > 0) sum += count * std::log2(static_cast<double>(count));
  }
  return std::log2(size) - sum / size < kLowEntropy;
}

/// Finds the links of a text, and the hosts that they lead to.
class LinkReader {
 public:
  struct Place {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  explicit LinkReader(std::span<const std::string_view> own) : own_(own) {}

  void read(std::string_view lower) {
    for (std::size_t at = 0; at < lower.size();) {
      at = lower.find_first_of("hw", at);
      if (at == std::string_view::npos) return;
      const bool begins = at == 0 || !text::is_alnum(lower[at - 1]);
      const auto rest = lower.substr(at);
      std::size_t scheme = 0;
      if (rest.starts_with("https://")) {
        scheme = 8;
      } else if (rest.starts_with("http://")) {
        scheme = 7;
      } else if (!rest.starts_with("www.")) {
        ++at;
        continue;
      }
      const auto link =
          rest.substr(scheme, rest.find_first_of(" \t\r\n<>\"'`()[]{}|\\^", scheme) - scheme);
      const std::size_t end = at + scheme + std::max<std::size_t>(link.size(), 1);
      if (begins) {
        places.push_back({at, end});
        count(link.substr(0, link.find_first_of("/?#")));
      }
      at = end;
    }
  }

  std::vector<Place> places;  ///< all of them, in order
  std::size_t links = 0;
  std::size_t hosts = 0;

 private:
  void count(std::string_view authority) {
    while (!authority.empty() && kMarks.find(authority.back()) != std::string_view::npos) {
      authority.remove_suffix(1);
    }
    std::string host(authority);
    if (const auto parsed = boost::urls::parse_authority(authority)) {
      host = parsed->host();
    }
    while (host.ends_with('.')) host.pop_back();
    if (host.starts_with("www.")) host.erase(0, 4);
    if (host.find('.') == std::string::npos) return;
    for (const auto own : own_) {
      if (!own.empty() && same_site_hosts(host, own)) return;
    }
    ++links;
    const auto seen = std::span(seen_).first(hosts);
    if (hosts == kMostHosts || std::ranges::find(seen, host) != seen.end()) return;
    seen_[hosts++] = std::move(host);
  }

  std::span<const std::string_view> own_;
  std::array<std::string, kMostHosts> seen_;
};

/// What nearly all messages are not worth a second look for.
bool may_link(std::string_view text) noexcept {
  return std::ranges::any_of(std::array{"://", "www.", "WWW.", "Www."}, [&](const char* mark) {
    return text.find(mark) != std::string_view::npos;
  });
}

bool has_word(std::string_view lower, std::string_view word) noexcept {
  const auto is_part = [](char c) { return text::is_alnum(c) || static_cast<signed char>(c) < 0; };
  for (std::size_t at = lower.find(word); at != std::string_view::npos;
       at = lower.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_part(lower[at - 1])) && (end == lower.size() || !is_part(lower[end]))) {
      return true;
    }
  }
  return false;
}

}  // namespace

MessageTraits MessageTraits::of(std::string_view text,
                                std::span<const std::string_view> own_hosts) {
  MessageTraits out;
  out.bytes = text.size();
  if (text.empty()) return out;
  out.monotonous = text.size() >= kTellingBytes && has_low_entropy(text);
  if (!may_link(text)) return out;
  const std::string lower = text::to_lower(text);
  LinkReader reader(own_hosts);
  reader.read(lower);
  out.links = reader.links;
  out.hosts = reader.hosts;
  auto link = reader.places.begin();
  for (std::size_t at = 0; at < text.size(); ++out.characters) {
    if (link != reader.places.end() && at == link->begin) at = (link++)->end;
    if (at >= text.size()) break;
    const auto [c, size] = text::code_point_at(text, at);
    at += size;
    const Case letter = case_of(c);
    out.letters += letter != Case::none ? 1 : 0;
    out.capitals += letter == Case::capital ? 1 : 0;
    out.marks += c < 0x80 && kMarks.find(static_cast<char>(c)) != std::string_view::npos ? 1 : 0;
  }
  for (const auto word : kSpamWords) out.spam_words += has_word(lower, word) ? 1 : 0;
  return out;
}

bool is_test_phrase(std::string_view text) noexcept {
  text = text::trim(text);
  while (!text.empty() && std::string_view("!?.").find(text.back()) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  return std::ranges::any_of(kTestPhrases,
                             [&](std::string_view phrase) { return text::iequals(text, phrase); });
}

Score judge_message(std::string_view text, const MessageTraits& traits) {
  Score score;
  if (is_test_phrase(text)) score.add("test_phrase", 30);
  // In bytes: two characters of Chinese are a whole word.
  if (traits.bytes < 5) score.add("short", 10);
  if (traits.monotonous) score.add("monotonous", 20);
  return score;
}

Score judge_spam(const MessageTraits& traits) {
  Score score;
  if (traits.links == 0) return score;
  if (traits.hosts > 2) score.add("links", 30);
  if (traits.letters >= kTellingCharacters && 2 * traits.capitals > traits.letters) {
    score.add("capitals", 20);
  }
  if (traits.spam_words > 2) score.add("spam_words", 25);
  if (traits.characters >= kTellingCharacters && 10 * traits.marks > 3 * traits.characters) {
    score.add("punctuation", 15);
  }
  return score;
}

}  // namespace portcullis::guards

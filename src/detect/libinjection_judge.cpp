#include <algorithm>
#include <string_view>

#include "detect/tokenizers.hpp"

// libinjection 3.9 as it lies in Debian's libmodsecurity.a, whose package has no header for it.
// Source: libinjection.h of that version.
extern "C" {
int libinjection_sqli(const char* text, std::size_t size, char fingerprint[8]);
int libinjection_xss(const char* text, std::size_t size);
}

namespace portcullis::detect {
namespace {

constexpr std::size_t kQuotes = 8;     ///< so many tails are tried
constexpr std::size_t kWindow = 1024;  ///< of so many bytes each

bool is_sqli(std::string_view text) {
  char fingerprint[8];
  return libinjection_sqli(text.data(), text.size(), fingerprint) != 0;
}

}  // namespace

void judge_libinjection(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  if (marks.any(Marks::angle | Marks::equals | Marks::colon)) {
    const auto head = text.substr(0, kQuotes * kWindow);
    if (!budget.spend(head.size())) return;
    if (libinjection_xss(head.data(), head.size()) != 0) out.add(Signal::libinjection_xss);
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < kQuotes && at < text.size(); ++i) {
    const auto tail = text.substr(at, kWindow);
    if (!budget.spend(tail.size())) return;
    if (is_sqli(tail)) return out.add(Signal::libinjection_sqli);
    // It reads a text as what stands inside of a string; a second quote may be what ends it.
    const std::size_t quote = text.find_first_of("'\"", at);
    if (quote == std::string_view::npos) return;
    at = quote + 1;
  }
}

bool libinjection_works() {
  constexpr std::string_view kSql = "1' OR '1'='1";
  constexpr std::string_view kMarkup = "<img src=x onerror=alert(1)>";
  constexpr std::string_view kWords = "Do you have a table for two on Friday?";
  return is_sqli(kSql) && libinjection_xss(kMarkup.data(), kMarkup.size()) != 0 &&
         !is_sqli(kWords) && libinjection_xss(kWords.data(), kWords.size()) == 0;
}

}  // namespace portcullis::detect

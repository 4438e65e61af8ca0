// An answer of a service's: what must not leave is masked in the same way however it comes in
// pieces, and JSON stays JSON.
#include "detect/leak_scanner.hpp"

#include <boost/json/parse.hpp>
#include <string>

#include "fuzz/fuzz.hpp"

namespace {

using portcullis::detect::LeakRules;
using portcullis::detect::LeakScanner;
using portcullis::fuzz::require;

struct Scanned {
  std::string text;
  portcullis::detect::RuleSet found;
};

Scanned scan(const LeakRules& rules, const std::vector<std::string_view>& pieces,
             LeakScanner::Syntax syntax) {
  LeakScanner scanner(rules, *rules.all_but({}), syntax);
  Scanned out;
  for (const auto piece : pieces) {
    require(scanner.put(piece, rules.memory(0), out.text).has_value(), "a piece is scanned");
  }
  require(scanner.finish(rules.memory(0), out.text).has_value(), "the end is scanned");
  out.found = scanner.found();
  return out;
}

bool is_json(std::string_view text) {
  boost::system::error_code error;
  (void)boost::json::parse(text, error);
  return !error;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const LeakRules rules = *LeakRules::make(portcullis::detect::embedded_leak_rules(), 1);
  if (size < 2 || size > 2048) return 0;
  const auto syntax = static_cast<LeakScanner::Syntax>(data[0] % 3);
  // The second byte says how it is cut; the text comes several times where that is wanted, so that
  // it is longer than what is held back.
  std::string text;
  for (unsigned i = 0; i <= (data[0] >> 4); ++i) {
    text += portcullis::fuzz::text_of(data + 2, size - 2);
  }
  const auto whole = scan(rules, {text}, syntax);
  const auto cut = scan(rules, portcullis::fuzz::split(text, data[1]), syntax);
  require(cut.text == whole.text && cut.found == whole.found,
          "what comes out does not depend on how it comes in");
  require(whole.found.any() || whole.text == text, "what holds nothing stays as it is");
  require(whole.text.find(LeakScanner::kMask) != std::string::npos || whole.found.none(),
          "what is found is masked");
  if (syntax == LeakScanner::Syntax::json && is_json(text)) {
    require(is_json(whole.text), "JSON stays JSON");
  }
  return 0;
}

// A pattern and a text: a pattern that is taken matches as its other spellings do, and none takes
// for ever.
#include "schema/pattern.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portcullis::fuzz::require;
  using portcullis::schema::Pattern;
  if (size > 256) return 0;
  const auto input = portcullis::fuzz::text_of(data, size);
  if (!portcullis::text::is_utf8(input)) return 0;
  const auto cut = std::min(input.find('\0'), input.size());
  const std::string source(input.substr(0, cut));
  const std::string text(input.substr(std::min(cut + 1, input.size())));
  const auto pattern = Pattern::compile(source);
  if (!pattern) {
    require(!pattern.error().detail.empty(), "a refusal has words");
    return 0;
  }
  const bool matches = pattern->matches(text);
  const auto same = [&](const std::string& other, bool expected, const char* why) {
    // Another spelling may need a larger table.
    if (const auto made = Pattern::compile(other)) require(made->matches(text) == expected, why);
  };
  same("(" + source + ")", matches, "a group is what is in it");
  same("(?:" + source + "){1}", matches, "once is once");
  same(source + "|[]", matches, "nothing is no other choice");
  same("[^]*(?:" + source + ")", matches, "it may stand anywhere");
  same("(?:" + source + ")?", true, "what may be missing matches");
  if (!matches && !source.contains('$')) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto prefix = std::string_view(text).substr(0, i);
      if (portcullis::text::incomplete_utf8_suffix(prefix) > 0) continue;
      require(!pattern->matches(prefix), "more text does not unmake a match");
    }
  }
  return 0;
}

// The decoder: whatever comes in, its steps never grow a text, and the views stay within their
// bounds.
#include <string>

#include "detect/decoder.hpp"
#include "detect/sanitised_copy.hpp"
#include "detect/views.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portcullis::fuzz::require;
  namespace detect = portcullis::detect;
  const auto text = portcullis::fuzz::text_of(data, size);
  std::string out;
  for (const auto step :
       {detect::decode_escapes, detect::fold_characters, detect::decode_base64_runs}) {
    if (step(text, out)) require(out.size() <= text.size() + 1, "decoding does not grow a text");
  }
  static detect::Views views;
  views.build(text);
  require(views.size() >= 1 && views[0].text == text, "the first view is the text");
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    require(views[i].depth <= detect::Views::kDepth, "the depth is bounded");
    bytes += views[i].text.size();
  }
  require(bytes <= (detect::Views::kGrowth + 1) * text.size(), "the views are bounded in size");

  std::string form = detect::sanitised_copy(text);
  for (int i = 0; i < 12; ++i) {
    for (std::size_t at = form.find('<'); at != std::string::npos; at = form.find('<', at + 1)) {
      const char next = at + 1 < form.size() ? form[at + 1] : ' ';
      require(
          !((next | 32) >= 'a' && (next | 32) <= 'z') && next != '/' && next != '!' && next != '?',
          "a sanitised copy has no tag, however often it is decoded");
    }
    if (!detect::decode_escapes(form, out) && !detect::fold_characters(form, out)) break;
    form.swap(out);
  }
  return 0;
}

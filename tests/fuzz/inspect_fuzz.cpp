// The whole path: every text is judged, twice the same, and a finding fits its decision.
#include "detect/engine.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portcullis::fuzz::require;
  namespace detect = portcullis::detect;
  static const auto engine = *detect::Engine::make(detect::embedded_rules());
  static const auto scratch = *engine->make_scratch();
  const auto text = portcullis::fuzz::text_of(data, size);
  for (const auto field : {detect::Field::prose, detect::Field::structure}) {
    const auto finding = engine->inspect(text, field, *scratch);
    require(finding.has_value(), "every text is judged");
    const bool refused = finding->decision == detect::Decision::refuse;
    require(refused == (!finding->classes.empty() || finding->flags.too_complex),
            "what is refused is refused for a class, or for its cost");
    require(refused == !finding->codes().empty(), "a refusal has a code");
    const auto again = engine->inspect(text, field, *scratch);
    require(again.has_value() && again->rules == finding->rules,
            "a text is judged alike each time");
  }
  return 0;
}

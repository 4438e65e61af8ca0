// The tokenizers: none reads beyond its text, and none spends more than its budget.
#include "detect/tokenizers.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portcullis::fuzz::require;
  namespace detect = portcullis::detect;
  const auto text = portcullis::fuzz::text_of(data, size);
  const detect::Marks marks(text);
  for (const auto judge :
       {detect::judge_sql, detect::judge_html, detect::judge_shell, detect::judge_template,
        detect::judge_urls, detect::judge_libinjection}) {
    detect::Budget budget(4096 + 64 * text.size());
    detect::Signals first;
    judge(text, marks, budget, first);
    require(budget.left() <= 4096 + 64 * text.size(), "a budget only falls");
    detect::Budget nothing(0);
    detect::Signals second;
    judge(text, marks, nothing, second);
  }
  return 0;
}

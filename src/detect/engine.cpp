#include "detect/engine.hpp"

#include <algorithm>

#include "detect/tokenizers.hpp"
#include "detect/views.hpp"

namespace portcullis::detect {
namespace {

class EngineScratch final : public Scratch {
 public:
  Views views;
  Matcher::Memory memory;
};

/// A tokenizer, and the first and last signal that it can give.
struct Judge {
  void (*judge)(std::string_view, Marks, Budget&, Signals&);
  Signal first;
  Signal last;
};
constexpr Judge kJudges[] = {
    {judge_sql, Signal::sql_breakout, Signal::sql_order_probe},
    {judge_html, Signal::html_script, Signal::html_tag},
    {judge_shell, Signal::shell_chain, Signal::shell_alone},
    {judge_template, Signal::template_expression, Signal::template_arithmetic},
    {judge_urls, Signal::url_internal, Signal::url_disguised},
    {judge_libinjection, Signal::libinjection_sqli, Signal::libinjection_xss},
    {judge_prompt, Signal::prompt_cancel, Signal::prompt_order_to_machine},
};

}  // namespace

Engine::Engine(const RulePack& pack, EngineOptions options, Matcher matcher)
    : pack_(pack), options_(options), matcher_(std::move(matcher)) {
  for (std::size_t i = 0; i < pack_.rules.size(); ++i) {
    const auto& tokenizer = pack_.rules[i].tokenizer;
    if (!tokenizer) continue;
    rules_of_signal_[static_cast<std::size_t>(*tokenizer)].set(i);
    for (std::size_t j = 0; j < std::size(kJudges); ++j) {
      if (*tokenizer < kJudges[j].first || *tokenizer > kJudges[j].last) continue;
      for (std::size_t f = 0; f < kFields; ++f) {
        if (pack_.rules[i].score[f] > 0) asked_[f].set(j);
      }
    }
  }
}

Result<std::unique_ptr<Engine>> Engine::make(const RulePack& pack, EngineOptions options) {
  if (pack.rules.size() > kMaxRules) {
    return fail(ErrorCode::invalid_input, "there are more rules than the engine can hold");
  }
  if (!libinjection_works()) {
    return fail(ErrorCode::unavailable, "libinjection does not know its own examples any more");
  }
  TRY(auto matcher, Matcher::make(pack.database, pack.pattern_rules));
  return std::unique_ptr<Engine>(new Engine(pack, options, std::move(matcher)));
}

Result<std::unique_ptr<Scratch>> Engine::make_scratch() const {
  auto scratch = std::make_unique<EngineScratch>();
  TRY(scratch->memory, matcher_.make_memory());
  return scratch;
}

Result<Finding> Engine::inspect(std::string_view text, Field field, Scratch& scratch) const {
  auto& own = static_cast<EngineScratch&>(scratch);
  Budget budget(budget_of(text.size()));
  RuleSet plain;  // what the text shows as it is
  RuleSet all;
  own.views.build(text);
  for (std::size_t i = 0; i < own.views.size(); ++i) {
    const auto& view = own.views[i];
    if (auto scanned = matcher_.scan(view.text, own.memory, all); !scanned) {
      return std::unexpected(scanned.error());
    }
    Signals signals;
    for (std::size_t j = 0; j < std::size(kJudges); ++j) {
      if (asked_[static_cast<std::size_t>(field)].test(j)) {
        kJudges[j].judge(view.text, view.marks, budget, signals);
      }
    }
    for (std::size_t s = 0; s < kSignalNames.size() && !signals.empty(); ++s) {
      if (signals.has(static_cast<Signal>(s))) all |= rules_of_signal_[s];
    }
    if (i == 0) plain = all;
  }
  Finding finding = decide(all, field);
  finding.flags.decoded = finding.decision == Decision::refuse && plain != all &&
                          decide(plain, field).decision == Decision::pass;
  if (budget.exhausted()) {
    finding.flags.too_complex = true;
    finding.decision = Decision::refuse;
  }
  return finding;
}

Finding Engine::decide(const RuleSet& matched, Field field) const {
  Finding finding;
  if (matched.none()) return finding;
  std::array<std::uint16_t, kAttackClasses> points{};
  for (std::size_t i = 0; i < pack_.rules.size(); ++i) {
    const Rule& rule = pack_.rules[i];
    const std::uint8_t score = rule.score[static_cast<std::size_t>(field)];
    if (!matched.test(i) || score == 0 || options_.off.has(rule.cls)) continue;
    finding.rules.set(i);
    auto& sum = points[static_cast<std::size_t>(rule.cls)];
    sum = static_cast<std::uint16_t>(sum + score);
  }
  finding.score = *std::ranges::max_element(points);
  for (std::size_t c = 0; c < kAttackClasses; ++c) {
    if (points[c] >= options_.threshold[static_cast<std::size_t>(field)]) {
      finding.classes.add(static_cast<AttackClass>(c));
      finding.decision = Decision::refuse;
    }
  }
  return finding;
}

}  // namespace portcullis::detect

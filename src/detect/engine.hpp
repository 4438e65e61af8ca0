#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <span>

#include "detect/inspector.hpp"
#include "detect/matcher.hpp"
#include "detect/rule.hpp"

namespace portcullis::detect {

/// What may be chosen about an engine.
struct EngineOptions {
  /// By Field: a class with so many points is refused.
  std::array<std::uint16_t, kFields> threshold{5, 5};
  ClassSet off;  ///< classes that are not judged
};

/// Decodes a text into its views, scans each with all patterns and tokenizers, adds up the scores
/// of the rules that match, class by class, and refuses where one class reaches the threshold.
///
/// Threads: immutable; any thread, each with a scratch of its own.
/// Errors:  only where scanning itself fails.
/// Cost:    linear in the text: a budget of steps bounds tokenizers and views. No allocation for
///          ordinary text once a scratch is warm. Figures: docs/performance.md.
class Engine final : public Inspector {
 public:
  /// `pack` must outlive the engine.
  /// @returns unavailable where the database cannot be loaded here, or libinjection is not itself.
  static Result<std::unique_ptr<Engine>> make(const RulePack& pack, EngineOptions options = {});

  Result<std::unique_ptr<Scratch>> make_scratch() const override;
  Result<Finding> inspect(std::string_view text, Field field, Scratch& scratch) const override;

  std::span<const Rule> rules() const noexcept { return pack_.rules; }
  /// Steps that a text of this length may cost.
  static std::size_t budget_of(std::size_t bytes) noexcept { return 4096 + 64 * bytes; }

 private:
  Engine(const RulePack& pack, EngineOptions options, Matcher matcher);
  Finding decide(const RuleSet& matched, Field field) const;

  RulePack pack_;
  EngineOptions options_;
  Matcher matcher_;
  std::array<RuleSet, kSignalNames.size()> rules_of_signal_;
  std::array<std::bitset<8>, kFields> asked_;  ///< tokenizers that a rule of this field needs
};

}  // namespace portcullis::detect

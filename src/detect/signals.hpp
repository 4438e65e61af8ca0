#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::detect {

/// What the tokenizers can tell of a text. A rule names one of them where a pattern cannot judge.
enum class Signal : std::uint8_t {
  sql_breakout,
  sql_comment_tail,
  sql_tautology,
  sql_stacked,
  sql_union,
  sql_order_probe,
  html_script,
  html_handler,
  html_script_url,
  html_active_element,
  html_style_code,
  html_attribute_breakout,
  html_tag,
  shell_chain,
  shell_substitution,
  shell_alone,
  template_expression,
  template_arithmetic,
  url_internal,
  url_internal_alone,
  url_metadata,
  url_disguised,
  libinjection_sqli,
  libinjection_xss,
  prompt_cancel,
  prompt_cancel_hint,
  prompt_reveal,
  prompt_reveal_hint,
  prompt_role,
  prompt_unbound,
  prompt_claim,
  prompt_fresh,
  prompt_dictation,
  prompt_henceforth,
  prompt_order_to_machine,
};

inline constexpr std::array<std::string_view, 35> kSignalNames{
    "sql_breakout",
    "sql_comment_tail",
    "sql_tautology",
    "sql_stacked",
    "sql_union",
    "sql_order_probe",
    "html_script",
    "html_handler",
    "html_script_url",
    "html_active_element",
    "html_style_code",
    "html_attribute_breakout",
    "html_tag",
    "shell_chain",
    "shell_substitution",
    "shell_alone",
    "template_expression",
    "template_arithmetic",
    "url_internal",
    "url_internal_alone",
    "url_metadata",
    "url_disguised",
    "libinjection_sqli",
    "libinjection_xss",
    "prompt_cancel",
    "prompt_cancel_hint",
    "prompt_reveal",
    "prompt_reveal_hint",
    "prompt_role",
    "prompt_unbound",
    "prompt_claim",
    "prompt_fresh",
    "prompt_dictation",
    "prompt_henceforth",
    "prompt_order_to_machine",
};

constexpr std::optional<Signal> signal_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kSignalNames.size(); ++i) {
    if (kSignalNames[i] == name) return static_cast<Signal>(i);
  }
  return std::nullopt;
}

/// The signals of a text.
class Signals {
 public:
  void add(Signal signal) noexcept { bits_.set(static_cast<std::size_t>(signal)); }
  void add(Signals other) noexcept { bits_ |= other.bits_; }
  bool has(Signal signal) const noexcept { return bits_.test(static_cast<std::size_t>(signal)); }
  bool empty() const noexcept { return bits_.none(); }

 private:
  std::bitset<kSignalNames.size()> bits_;
};

/// Steps that an inspection may still take. Each tokenizer pays for what it reads, so the cost of a
/// text is bounded by its length, whatever it contains.
class Budget {
 public:
  explicit Budget(std::size_t steps) noexcept : steps_(steps) {}
  /// False where there is nothing left: the text is too complex to be judged.
  bool spend(std::size_t steps) noexcept {
    if (steps > steps_) {
      steps_ = 0;
      exhausted_ = true;
      return false;
    }
    steps_ -= steps;
    return true;
  }
  bool exhausted() const noexcept { return exhausted_; }
  std::size_t left() const noexcept { return steps_; }

 private:
  std::size_t steps_;
  bool exhausted_ = false;
};

}  // namespace portcullis::detect

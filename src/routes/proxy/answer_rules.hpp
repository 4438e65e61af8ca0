#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "detect/leak_scanner.hpp"
#include "http/head_parser.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::routes {

/// What becomes of the answers of a route that asks for it: those of texts are looked into for
/// what must not leave, which is masked, or the answer is withheld.
///
/// Threads: immutable; any worker.
class AnswerRules {
 public:
  /// @returns invalid_input where there is no rule of a name that the route leaves out.
  static Result<AnswerRules> make(const detect::LeakRules& rules,
                                  const config::ProtectedRoute& route);

  bool masks() const noexcept { return mode_ == config::LeakMode::mask; }
  /// How an answer is read; nullopt: it is of a binary type, and passes.
  static std::optional<detect::LeakScanner::Syntax> syntax_of(const http::ResponseHeadView& head);
  /// Why an answer cannot be looked into, though it should be. nullopt: it can.
  static std::optional<std::string_view> fault_of(const http::ResponseHeadView& head);
  /// The fields of an answer whose body may be changed: nothing that speaks of its bytes.
  static http::HeaderBlock without_digests(const http::HeaderBlock& fields);

  detect::LeakScanner scanner(detect::LeakScanner::Syntax syntax) const {
    return {*rules_, asked_, syntax};
  }
  detect::Matcher::Memory& memory(const http::Exchange& exchange) const {
    return rules_->memory(exchange.worker().index());
  }
  /// What an event says of what was found: the names of rules, and never a value.
  pipeline::Incident incident(const detect::RuleSet& found, const std::string& service) const;

 private:
  const detect::LeakRules* rules_ = nullptr;
  config::LeakMode mode_ = config::LeakMode::off;
  detect::RuleSet asked_;
};

}  // namespace portcullis::routes

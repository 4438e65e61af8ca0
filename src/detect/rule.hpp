#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "detect/attack_class.hpp"
#include "detect/finding.hpp"
#include "detect/signals.hpp"

namespace portcullis::detect {

/// One rule as it was compiled from its file in rules/.
struct Rule {
  std::string_view id;
  AttackClass cls = AttackClass::sqli;
  std::array<std::uint8_t, kFields> score{};  ///< by Field; 0: not asked there
  std::string_view reason;
  std::optional<Signal> tokenizer;               ///< none: it has patterns
  std::span<const std::string_view> must_match;  ///< each on a field where the rule scores
  std::span<const std::string_view> must_pass;
};

/// All rules, and the serialised Vectorscan database of their patterns.
struct RulePack {
  std::span<const Rule> rules;
  std::span<const std::uint16_t> pattern_rules;  ///< the rule of each pattern in the database
  std::span<const char> database;
};

/// The pack that is part of the program: rules/, compiled at build time.
RulePack embedded_rules();
/// Takes the serialised database out of this process's memory: engines keep a form of their own. It
/// is a part of the binary, from which the kernel reads it again for an engine that is made later.
void put_embedded_database_away() noexcept;

}  // namespace portcullis::detect

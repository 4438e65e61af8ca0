#pragma once
#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/attack_class.hpp"

namespace portcullis::detect {

/// How a text is held: prose is what people write, structure everything that machines do.
enum class Field : std::uint8_t { prose, structure };
inline constexpr std::size_t kFields = 2;
constexpr std::string_view name_of(Field field) noexcept {
  return field == Field::prose ? "prose" : "structure";
}

enum class Decision : std::uint8_t { pass, refuse };

/// What is remarkable about how a text was judged.
struct Flags {
  bool decoded = false;      ///< an attack showed only after decoding
  bool too_complex = false;  ///< judging it costs more than any honest text does: refused for that
  std::vector<std::string_view> names() const;
};

inline constexpr std::size_t kMaxRules = 256;
/// Rules by their place in the pack.
using RuleSet = std::bitset<kMaxRules>;

/// What an inspection found: a value without any text of what was inspected.
struct Finding {
  Decision decision = Decision::pass;
  std::uint16_t score = 0;  ///< of the class with the most points
  ClassSet classes;         ///< those whose points reach the threshold of the field
  RuleSet rules;            ///< all that matched, for explanations; never for clients
  Flags flags;

  /// Takes a class out, where it means nothing; passes where nothing else is left.
  void drop(AttackClass cls) noexcept {
    if (!classes.has(cls)) return;
    classes.remove(cls);
    if (classes.empty() && !flags.too_complex) decision = Decision::pass;
  }
  /// VAL_…, one for each class, in the order of the table; VAL_020 for what is too complex.
  std::vector<std::string_view> codes() const;
  std::vector<std::string_view> class_names() const;
};

}  // namespace portcullis::detect

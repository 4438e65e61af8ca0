#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::detect {

/// Families of attacks that a text may carry. Names, codes and rules refer to these.
enum class AttackClass : std::uint8_t {
  sqli,
  xss,
  path_traversal,
  command_injection,
  ssti,
  ssrf,
  nosql,
  ldap_xpath,
  log4shell,
  xxe,
  ssi,
  code_injection,
  rfi,
  prompt_injection,
};

inline constexpr std::size_t kAttackClasses = 14;

/// What everybody may know of a class.
struct AttackClassInfo {
  std::string_view name;  ///< metric label, member of events and of `rules eval`
  std::string_view code;  ///< VAL_002 SQL, VAL_003 XSS, VAL_004 path, VAL_009 and on the others
};

/// In the order of the enumeration.
inline constexpr std::array<AttackClassInfo, kAttackClasses> kAttackClassTable{{
    {"sqli", "VAL_002"},
    {"xss", "VAL_003"},
    {"path_traversal", "VAL_004"},
    {"command_injection", "VAL_009"},
    {"ssti", "VAL_010"},
    {"ssrf", "VAL_011"},
    {"nosql", "VAL_012"},
    {"ldap_xpath", "VAL_013"},
    {"log4shell", "VAL_014"},
    {"xxe", "VAL_015"},
    {"ssi", "VAL_016"},
    {"code_injection", "VAL_017"},
    {"rfi", "VAL_018"},
    {"prompt_injection", "VAL_019"},
}};

constexpr const AttackClassInfo& info_of(AttackClass cls) noexcept {
  return kAttackClassTable[static_cast<std::size_t>(cls)];
}

constexpr std::optional<AttackClass> attack_class_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kAttackClasses; ++i) {
    if (kAttackClassTable[i].name == name) return static_cast<AttackClass>(i);
  }
  return std::nullopt;
}

/// A set of classes.
class ClassSet {
 public:
  constexpr void add(AttackClass cls) noexcept { bits_ |= bit(cls); }
  constexpr void add(ClassSet other) noexcept { bits_ |= other.bits_; }
  constexpr void remove(AttackClass cls) noexcept {
    bits_ &= static_cast<std::uint16_t>(~bit(cls));
  }
  constexpr bool has(AttackClass cls) const noexcept { return (bits_ & bit(cls)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  friend constexpr bool operator==(ClassSet, ClassSet) noexcept = default;

 private:
  static constexpr std::uint16_t bit(AttackClass cls) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(cls));
  }
  std::uint16_t bits_ = 0;
};

}  // namespace portcullis::detect

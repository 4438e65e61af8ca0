#include "detect/finding.hpp"

namespace portcullis::detect {

std::vector<std::string_view> Flags::names() const {
  std::vector<std::string_view> out;
  if (decoded) out.emplace_back("decoded");
  if (too_complex) out.emplace_back("too_complex");
  return out;
}

std::vector<std::string_view> Finding::codes() const {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < kAttackClasses; ++i) {
    if (classes.has(static_cast<AttackClass>(i))) out.push_back(kAttackClassTable[i].code);
  }
  if (flags.too_complex) out.emplace_back("VAL_020");
  return out;
}

std::vector<std::string_view> Finding::class_names() const {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < kAttackClasses; ++i) {
    if (classes.has(static_cast<AttackClass>(i))) out.push_back(kAttackClassTable[i].name);
  }
  return out;
}

}  // namespace portcullis::detect

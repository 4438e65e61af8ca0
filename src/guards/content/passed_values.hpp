#pragma once
#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "detect/finding.hpp"

namespace portcullis::guards {

/// Values of headers that were judged and passed. A browser sends the same ones with every request,
/// and reading them again would cost as much as reading what its visitor wrote.
///
/// A value is known by all its bytes, never by its hash: who makes two values share a slot has them
/// judged more often, and nothing else.
///
/// Threads: one worker's.
/// Bounds:  kSlots values of at most kLongest bytes.
class PassedValues {
 public:
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kLongest = 512;

  bool has(std::string_view value, detect::Field field) const noexcept {
    const Slot& slot = slots_[slot_of(value)];
    return slot.field == field && slot.value == value;
  }
  void add(std::string_view value, detect::Field field) {
    if (value.size() <= kLongest) slots_[slot_of(value)] = {field, std::string(value)};
  }

 private:
  struct Slot {
    detect::Field field{};
    std::string value;  ///< never empty once it is used
  };
  static std::size_t slot_of(std::string_view value) noexcept {
    return std::hash<std::string_view>{}(value) % kSlots;
  }

  std::array<Slot, kSlots> slots_;
};

}  // namespace portcullis::guards

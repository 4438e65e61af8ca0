#pragma once
#include <array>
#include <cstdint>

#include "base/clock.hpp"

namespace portcullis::state {

/// A sliding window counted in twelve sub-windows, the whole oldest one included.
///
/// What it promises (window_test.cpp checks both against an exact log): never more than the limit
/// is admitted in any span as long as the window; and a refusal outlasts that of an exact log by at
/// most a twelfth of the window.
///
/// Threads: none of its own; the store locks.
/// Units:   time in milliseconds of one clock; counts up to 2^32 - 1.
/// Cost:    13 additions at most; 64 bytes.
class Window {
 public:
  static constexpr int kSubWindows = 12;

  /// Units taken in the window that ends at `now`.
  std::uint64_t used(std::int64_t now_ms, std::int64_t window_ms) noexcept;
  /// Takes units. REQUIRES: used() was called with the same arguments before.
  void take(std::uint32_t cost, std::int64_t now_ms, std::int64_t window_ms) noexcept;
  /// Milliseconds until `cost` units fit below `limit`, if nothing else is taken; 0: they fit now.
  std::int64_t wait_for(std::uint32_t cost, std::uint32_t limit, std::int64_t now_ms,
                        std::int64_t window_ms) const noexcept;
  /// Milliseconds until the window is empty.
  std::int64_t until_empty(std::int64_t now_ms, std::int64_t window_ms) const noexcept;

 private:
  static constexpr int kSlots = kSubWindows + 1;
  /// Length of a sub-window, rounded up: twelve of them must never cover less than the window.
  static constexpr std::int64_t sub_window(std::int64_t window_ms) noexcept {
    return (window_ms + kSubWindows - 1) / kSubWindows;
  }
  void advance(std::int64_t index) noexcept;

  std::array<std::uint32_t, kSlots> counts_{};
  std::int64_t index_ = 0;  ///< sub-window that counts_[index_ % kSlots] belongs to
};

}  // namespace portcullis::state

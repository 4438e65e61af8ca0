#include "state/window.hpp"

#include <algorithm>

namespace portcullis::state {

void Window::advance(std::int64_t index) noexcept {
  if (index <= index_) return;  // a clock that went back counts into the newest sub-window
  const std::int64_t steps = std::min<std::int64_t>(index - index_, kSlots);
  for (std::int64_t step = 1; step <= steps; ++step) {
    counts_[static_cast<std::size_t>((index - steps + step) % kSlots)] = 0;
  }
  index_ = index;
}

std::uint64_t Window::used(std::int64_t now_ms, std::int64_t window_ms) noexcept {
  advance(now_ms / sub_window(window_ms));
  std::uint64_t sum = 0;
  for (const auto count : counts_) sum += count;
  return sum;
}

void Window::take(std::uint32_t cost, std::int64_t now_ms, std::int64_t window_ms) noexcept {
  advance(now_ms / sub_window(window_ms));
  counts_[static_cast<std::size_t>(index_ % kSlots)] += cost;
}

std::int64_t Window::wait_for(std::uint32_t cost, std::uint32_t limit, std::int64_t now_ms,
                              std::int64_t window_ms) const noexcept {
  std::uint64_t sum = 0;
  for (const auto count : counts_) sum += count;
  if (sum + cost <= limit) return 0;
  const std::int64_t sub = sub_window(window_ms);
  // Sub-windows leave in order; the k-th oldest one is gone when index_ + k + 1 begins.
  for (std::int64_t k = 0; k < kSlots; ++k) {
    const std::int64_t leaving = index_ - kSubWindows + k;
    if (leaving >= 0) sum -= counts_[static_cast<std::size_t>(leaving % kSlots)];
    if (sum + cost <= limit) return std::max<std::int64_t>(1, (index_ + k + 1) * sub - now_ms);
  }
  return window_ms;
}

std::int64_t Window::until_empty(std::int64_t now_ms, std::int64_t window_ms) const noexcept {
  const std::int64_t sub = sub_window(window_ms);
  for (std::int64_t k = kSlots - 1; k >= 0; --k) {
    const std::int64_t index = index_ - kSubWindows + k;
    if (index >= 0 && counts_[static_cast<std::size_t>(index % kSlots)] != 0) {
      return std::max<std::int64_t>(0, (index_ + k + 1) * sub - now_ms);
    }
  }
  return 0;
}

}  // namespace portcullis::state

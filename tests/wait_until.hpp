#pragma once
#include <thread>

#include "base/clock.hpp"

namespace portcullis {

/// Looks every five milliseconds. @returns whether it came true in time.
template <class Condition>
[[nodiscard]] bool wait_until(Condition condition, Milliseconds within = Milliseconds{10'000}) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(Milliseconds{5});
  }
  return true;
}

}  // namespace portcullis

#include "base/clock.hpp"

namespace portcullis {
namespace {

class SystemClock final : public Clock {
 public:
  MonotonicTime monotonic() const noexcept override { return std::chrono::steady_clock::now(); }
  WallTime wall() const noexcept override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& Clock::system() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace portcullis

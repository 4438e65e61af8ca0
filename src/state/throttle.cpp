#include "state/throttle.hpp"

#include <algorithm>

namespace portcullis::state {

int Throttle::stage(std::int64_t now_ms) noexcept {
  while (stage_ > 0 && now_ms - last_refusal_ms_ >= kQuiet) {
    last_refusal_ms_ += kQuiet;
    --stage_;
  }
  return stage_;
}

void Throttle::hold_back(std::int64_t now_ms, Limit limit) noexcept {
  if (stage(now_ms) == 2) return;
  limit_ = limit;
  enter(2, now_ms);
  next_us_ = 0;  // it did nothing wrong itself: its burst is there
  last_refusal_ms_ = now_ms;
}

Throttle::Attempt Throttle::attempt(std::int64_t now_ms) noexcept {
  attempts_.used(now_ms, limit_.window_ms);
  attempts_.take(1, now_ms, limit_.window_ms);
  rapid_.used(now_ms, kRapidSpan);
  rapid_.take(1, now_ms, kRapidSpan);
  Attempt out;
  out.offence = attempts_.used(now_ms, limit_.window_ms) * 2 > std::uint64_t{limit_.units} * 3 ||
                rapid_.used(now_ms, kRapidSpan) >= kRapid;
  if (out.offence) attempts_ = rapid_ = Window{};  // answered: the next one begins anew
  const std::int64_t interval = interval_us();
  const std::int64_t early = next_us_ + interval - kBurst * interval - now_ms * 1000;
  out.wait_ms = early <= 0 ? 0 : (early + 999) / 1000;
  return out;
}

void Throttle::admitted(std::int64_t now_ms) noexcept {
  next_us_ = std::max(next_us_, now_ms * 1000) + interval_us();
}

void Throttle::refused(std::int64_t now_ms, Limit limit) noexcept {
  if (stage(now_ms) == 0) {
    *this = Throttle{};
    limit_ = limit;
    enter(1, now_ms);
  }
  last_refusal_ms_ = now_ms;
  refusals_.used(now_ms, kRefusalSpan);
  refusals_.take(1, now_ms, kRefusalSpan);
  if (stage_ == 1 && refusals_.used(now_ms, kRefusalSpan) >= kRefusals) enter(2, now_ms);
}

std::int64_t Throttle::interval_us() const noexcept {
  return limit_.window_ms * 1000 * stage_ / std::max<std::int64_t>(1, limit_.units);
}

void Throttle::enter(int stage, std::int64_t now_ms) noexcept {
  stage_ = stage;
  next_us_ = now_ms * 1000 + kBurst * interval_us();  // an empty bucket
}

}  // namespace portcullis::state

#include "upstream/breaker.hpp"

#include <algorithm>

namespace portcullis::upstream {

Breaker::Pass Breaker::allow() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  if (state_ == State::open) {
    if (now - opened_at_ < options_.open_for) return {};
    state_ = State::half_open;
    ++generation_;
    good_probes_ = 0;
    probe_out_ = false;
  }
  if (state_ == State::half_open) {
    if (probe_out_) return {};
    probe_out_ = true;
  }
  return {true, generation_};
}

void Breaker::record(const Pass& pass, bool success, std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  if (pass.generation_ != generation_) return;  // a call from before the state changed
  const auto now = clock_.monotonic();
  if (state_ == State::half_open) {
    probe_out_ = false;
    if (!success) return open(now);
    if (++good_probes_ >= kGoodProbes) close(now);
    return;
  }
  forget_old(now);
  if (success) {
    consecutive_ = 0;
    remember({now, session, true, true});
    return;
  }
  // Nobody shuts the assistant for all: one session's failures count once while others are served.
  const bool counts =
      !has_counted_failure(session) || !(options_.needs_several || others_succeeded(session));
  remember({now, session, false, counts});
  if (!counts) return;
  if (++consecutive_ >= options_.failures) return open(now);
  const auto counted = static_cast<std::size_t>(std::ranges::count_if(outcomes_, &Outcome::counts));
  const auto failed = static_cast<std::size_t>(
      std::ranges::count_if(outcomes_, [](const Outcome& o) { return o.counts && !o.success; }));
  if (counted >= kMinCalls && failed * 2 >= counted) open(now);
}

void Breaker::forget(const Pass& pass) {
  const std::lock_guard lock(mutex_);
  if (pass.generation_ == generation_ && state_ == State::half_open) probe_out_ = false;
}

void Breaker::open(MonotonicTime now) {
  state_ = State::open;
  ++generation_;
  opened_at_ = now;
  consecutive_ = 0;
  outcomes_.clear();
}

void Breaker::close(MonotonicTime now) {
  state_ = State::closed;
  ++generation_;
  recovered_at_ = now;
  consecutive_ = 0;
  outcomes_.clear();
}

void Breaker::reset() {
  const std::lock_guard lock(mutex_);
  close(clock_.monotonic());
}

void Breaker::remember(const Outcome& outcome) {
  if (outcomes_.size() == kMaxOutcomes) outcomes_.pop_front();
  outcomes_.push_back(outcome);
}

void Breaker::forget_old(MonotonicTime now) {
  while (!outcomes_.empty() && now - outcomes_.front().at > kSpan) outcomes_.pop_front();
}

bool Breaker::others_succeeded(std::uint64_t session) const {
  return std::ranges::any_of(outcomes_,
                             [&](const Outcome& o) { return o.success && o.session != session; });
}

bool Breaker::has_counted_failure(std::uint64_t session) const {
  return std::ranges::any_of(
      outcomes_, [&](const Outcome& o) { return !o.success && o.counts && o.session == session; });
}

Breaker::State Breaker::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

MonotonicTime Breaker::recovered_at() const {
  const std::lock_guard lock(mutex_);
  return recovered_at_;
}

Milliseconds Breaker::retry_after() const {
  const std::lock_guard lock(mutex_);
  if (state_ != State::open) return Milliseconds{0};
  const auto left =
      options_.open_for - std::chrono::duration_cast<Milliseconds>(clock_.monotonic() - opened_at_);
  return std::max(left, Milliseconds{1});
}

void RetryBudget::on_call() {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(kMaxTokens, tokens_ + percent_ / 100.0);
}

bool RetryBudget::try_retry() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  if (last_ != MonotonicTime{}) {
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - last_).count();
    // The reserve refills to its own size only; what calls earned may lie above it.
    if (tokens_ < kReservePerMinute)
      tokens_ = std::min(kReservePerMinute, tokens_ + minutes * kReservePerMinute);
  }
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace portcullis::upstream

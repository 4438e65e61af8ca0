#include "state/limiter.hpp"

#include <algorithm>

namespace portcullis::state {
namespace {

Seconds seconds_of(std::int64_t ms) { return Seconds{(ms + 999) / 1000}; }

std::int64_t window_of(const Charge& charge) { return Milliseconds(charge.window).count(); }

}  // namespace

Limiter::Limiter(std::size_t max_keys, const Clock& clock) : clock_(clock) {
  const std::size_t kept = std::max(AdmitRequest::kMaxCharges * 2, max_keys / kShards);
  for (auto& shard : shards_) shard = std::make_unique<Shard>(kept);
}

Limiter::~Limiter() = default;

/// In order of the shards' numbers: no two requests can wait for each other.
void Limiter::lock(const AdmitRequest& request, Locks& locks) const {
  std::array<std::size_t, kMaxKeys> numbers;
  std::size_t count = 0;
  for (; count < request.count; ++count) numbers[count] = request.charges[count].key[1] % kShards;
  for (std::size_t i = 0; i < request.subject_count; ++i) {
    numbers[count++] = request.subjects[i].key[1] % kShards;
  }
  std::sort(numbers.begin(), numbers.begin() + count);
  const auto last = std::unique(numbers.begin(), numbers.begin() + count);
  for (auto at = numbers.begin(); at != last; ++at) {
    locks[static_cast<std::size_t>(at - numbers.begin())] = std::unique_lock(shards_[*at]->mutex);
  }
}

/// The throttle of a subject that is in a stage; null of all others, which are nearly all.
Throttle* Limiter::throttle_of(const Subject& subject, const Charge& first, std::int64_t now) {
  auto& throttles = shard_of(subject.key).throttles;
  if (subject.hold_back) {
    auto& held = throttles.touch(subject.key);
    held.hold_back(now, {first.limit, window_of(first)});
    return &held;
  }
  Throttle* throttle = throttles.find(subject.key);
  return throttle != nullptr && throttle->stage(now) > 0 ? throttle : nullptr;
}

Admission Limiter::ask_windows(const AdmitRequest& request, std::int64_t now) {
  Admission admission;
  std::int64_t tightest = INT64_MAX;
  for (std::size_t i = 0; i < request.count; ++i) {
    const Charge& charge = request.charges[i];
    const std::int64_t window_ms = window_of(charge);
    Window& window = shard_of(charge.key).windows.touch(charge.key);
    const auto used = static_cast<std::int64_t>(window.used(now, window_ms));
    const std::int64_t left = std::int64_t{charge.limit} - used - charge.cost;
    if (left < 0) {
      // Of several that refuse, the one that lasts longest tells when to come back.
      const auto wait = seconds_of(window.wait_for(charge.cost, charge.limit, now, window_ms));
      if (admission.admitted || wait > admission.reset) {
        admission.admitted = false;
        admission.decided_by = i;
        admission.remaining = 0;
        admission.reset = wait;
      }
    } else if (admission.admitted && left < tightest) {
      tightest = left;
      admission.decided_by = i;
      admission.remaining = left;
      admission.reset = seconds_of(window.until_empty(now, window_ms));
      if (admission.reset.count() == 0) admission.reset = charge.window;
    }
  }
  return admission;
}

Admission Limiter::charge(const AdmitRequest& request) {
  if (request.count == 0) return {};
  Locks locks;
  lock(request, locks);
  const std::int64_t now =
      std::chrono::duration_cast<Milliseconds>(clock_.monotonic().time_since_epoch()).count();
  Admission admission = ask_windows(request, now);
  std::array<Throttle*, AdmitRequest::kMaxSubjects> throttles{};
  std::int64_t wait_ms = 0;
  std::size_t slowest = 0;
  for (std::size_t i = 0; i < request.subject_count; ++i) {
    const auto first = std::ranges::find(request.charges, i, &Charge::subject);
    throttles[i] = throttle_of(request.subjects[i], *first, now);
    if (throttles[i] == nullptr) continue;
    const auto attempt = throttles[i]->attempt(now);
    admission.offence |= attempt.offence;
    if (attempt.wait_ms <= wait_ms) continue;
    wait_ms = attempt.wait_ms;
    slowest = static_cast<std::size_t>(first - request.charges.begin());
  }
  if (admission.admitted && (wait_ms > 0 || admission.offence)) {
    admission.admitted = false;
    admission.paced = true;
    admission.decided_by = slowest;
    admission.remaining = 0;
    admission.reset = std::max(Seconds{1}, seconds_of(wait_ms));
  }
  if (admission.admitted) {
    for (std::size_t i = 0; i < request.count; ++i) {
      const Charge& charge = request.charges[i];
      // Looked up again: the table may have moved it while it grew.
      shard_of(charge.key).windows.touch(charge.key).take(charge.cost, now, window_of(charge));
    }
    for (Throttle* throttle : throttles) {
      if (throttle != nullptr) throttle->admitted(now);
    }
  } else if (const Charge& decided = request.charges[admission.decided_by];
             decided.subject != Charge::kNobody) {
    const auto& key = request.subjects[decided.subject].key;
    shard_of(key).throttles.touch(key).refused(now, {decided.limit, window_of(decided)});
  }
  return admission;
}

std::size_t Limiter::size() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    sum += shard->windows.size();
  }
  return sum;
}

}  // namespace portcullis::state

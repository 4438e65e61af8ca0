#include "state/limiter.hpp"

#include <algorithm>
#include <span>

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

std::int64_t Limiter::now() const {
  return std::chrono::duration_cast<Milliseconds>(clock_.monotonic().time_since_epoch()).count();
}

Admission Limiter::ask_windows(const AdmitRequest& request, const Allowances& allowances,
                               std::int64_t now) {
  Admission admission;
  std::int64_t tightest = INT64_MAX;
  for (std::size_t i = 0; i < request.count; ++i) {
    const Charge& charge = request.charges[i];
    const std::int64_t window_ms = window_of(charge);
    Window& window = *allowances[i].window;
    const auto limit = allowances[i].limit;
    const auto used = static_cast<std::int64_t>(window.used(now, window_ms));
    const std::int64_t left = std::int64_t{limit} - used - charge.cost;
    if (left < 0) {
      // Of several that refuse, the one that lasts longest tells when to come back.
      const auto wait = seconds_of(window.wait_for(charge.cost, limit, now, window_ms));
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
  const std::int64_t now = this->now();
  // The tables keep more than a request has keys, so nothing that is found here is evicted before
  // the end.
  std::array<Standing*, AdmitRequest::kMaxSubjects> standings{};
  for (std::size_t s = 0; s < request.subject_count; ++s) {
    const Subject& subject = request.subjects[s];
    auto& table = shard_of(subject.key).standings;
    standings[s] = subject.hold_back ? &table.touch(subject.key) : table.find(subject.key);
  }
  Allowances allowances;
  for (std::size_t i = 0; i < request.count; ++i) {
    const Charge& charge = request.charges[i];
    allowances[i] = {&shard_of(charge.key).windows.touch(charge.key), charge.limit};
    if (charge.subject == Charge::kNobody || standings[charge.subject] == nullptr) continue;
    // Who behaved badly has half of its limits.
    if (standings[charge.subject]->reputation.is_suspicious(now)) {
      allowances[i].limit = std::max(1U, charge.limit / 2);
    }
  }
  Admission admission = ask_windows(request, allowances, now);
  const auto charge_of = [&](std::size_t subject) {
    const auto first = std::ranges::find(request.charges, subject, &Charge::subject);
    return static_cast<std::size_t>(first - request.charges.begin());
  };
  std::int64_t wait_ms = 0;
  std::size_t slowest = 0;
  std::array<bool, AdmitRequest::kMaxSubjects> throttled{};
  for (std::size_t s = 0; s < request.subject_count; ++s) {
    if (standings[s] == nullptr) continue;
    Throttle& throttle = standings[s]->throttle;
    const std::size_t first = charge_of(s);
    if (request.subjects[s].hold_back) {
      throttle.hold_back(now, {allowances[first].limit, window_of(request.charges[first])});
    }
    if (throttle.stage(now) == 0) continue;
    throttled[s] = true;
    const auto attempt = throttle.attempt(now);
    admission.offence |= attempt.offence;
    if (attempt.wait_ms <= wait_ms) continue;
    wait_ms = attempt.wait_ms;
    slowest = first;
  }
  if (admission.admitted && (wait_ms > 0 || admission.offence)) {
    admission.admitted = false;
    admission.paced = true;
    admission.decided_by = slowest;
    admission.remaining = 0;
    admission.reset = std::max(Seconds{1}, seconds_of(wait_ms));
  }
  admission.limit = allowances[admission.decided_by].limit;
  if (admission.admitted) {
    for (std::size_t i = 0; i < request.count; ++i) {
      const Charge& charge = request.charges[i];
      allowances[i].window->take(charge.cost, now, window_of(charge));
    }
    for (std::size_t s = 0; s < request.subject_count; ++s) {
      if (throttled[s]) standings[s]->throttle.admitted(now);
      // Who was noticed once can make up for it.
      if (standings[s] != nullptr && !standings[s]->reputation.is_blank()) {
        standings[s]->reputation.add(Reputation::kAmends, now);
      }
    }
  } else if (const Charge& decided = request.charges[admission.decided_by];
             decided.subject != Charge::kNobody) {
    const auto& key = request.subjects[decided.subject].key;
    shard_of(key).standings.touch(key).throttle.refused(now, {admission.limit, window_of(decided)});
  }
  return admission;
}

double Limiter::note(const Key& subject, double points) {
  Shard& shard = shard_of(subject);
  const std::lock_guard lock(shard.mutex);
  const std::int64_t now = this->now();
  auto& reputation = shard.standings.touch(subject).reputation;
  reputation.add(points, now);
  return reputation.score(now);
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

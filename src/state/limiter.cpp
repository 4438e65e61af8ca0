#include "state/limiter.hpp"

#include <algorithm>
#include <span>

namespace portcullis::state {
namespace {

Seconds seconds_of(std::int64_t ms) { return Seconds{(ms + 999) / 1000}; }

std::uint32_t whole_limit(std::uint32_t part, const Charge& charge) {
  constexpr std::uint64_t kMost = 4'000'000'000;
  return static_cast<std::uint32_t>(std::min(kMost, std::uint64_t{part} * charge.parts));
}

std::int64_t window_of(const Charge& charge) { return Milliseconds(charge.window).count(); }

}  // namespace

Limiter::Limiter(std::size_t max_keys, const Clock& clock) : clock_(clock) {
  const std::size_t kept = std::max(kMaxKeys, max_keys / kShards);
  for (auto& shard : shards_) shard = std::make_unique<Shard>(kept);
}

Limiter::~Limiter() = default;

/// In order of the shards' numbers: no two requests can wait for each other.
void Limiter::lock(const AdmitRequest& request, Locks& locks) const {
  std::array<std::size_t, kMaxKeys> numbers;
  std::size_t count = 0;
  for (std::size_t i = 0; i < request.count; ++i) {
    if (!request.charges[i].shared) numbers[count++] = request.charges[i].key[1] % kShards;
  }
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

/// One decision in the making: what the windows say, and how fast who is throttled comes.
class Limiter::Decision {
 public:
  Decision(const AdmitRequest& request, std::int64_t now) : request_(request), now_(now) {}

  /// A charge's window, and what limits it for this caller.
  void ask(std::size_t i, Window& window, std::uint32_t limit) {
    const Charge& charge = request_.charges[i];
    const std::int64_t window_ms = window_of(charge);
    windows_[i] = &window;
    limits_[i] = limit;
    const auto used = static_cast<std::int64_t>(window.used(now_, window_ms));
    const std::int64_t left = std::int64_t{limit} - used - charge.cost;
    if (left < 0) {
      // Of several that refuse, the one that lasts longest tells when to come back.
      const auto wait = seconds_of(window.wait_for(charge.cost, limit, now_, window_ms));
      if (admission_.admitted || wait > admission_.reset) {
        admission_.admitted = false;
        admission_.decided_by = i;
        admission_.remaining = 0;
        admission_.reset = wait;
      }
    } else if (admission_.admitted && left < tightest_) {
      tightest_ = left;
      admission_.decided_by = i;
      admission_.remaining = left;
      admission_.reset = seconds_of(window.until_empty(now_, window_ms));
      if (admission_.reset.count() == 0) admission_.reset = charge.window;
    }
  }

  /// An attempt of a subject, whose first charge tells the pace.
  void pace(std::size_t subject, Throttle& throttle) {
    const auto charges = std::span(request_.charges).first(request_.count);
    const auto at = std::ranges::find(charges, subject, &Charge::subject);
    const auto first = static_cast<std::size_t>(at - charges.begin());
    if (request_.subjects[subject].hold_back) {
      throttle.hold_back(now_, {whole_limit(limits_[first], *at), window_of(*at)});
    }
    if (throttle.stage(now_) == 0) return;
    throttled_[subject] = &throttle;
    const auto attempt = throttle.attempt(now_);
    offence_ |= attempt.offence;
    if (attempt.wait_ms <= wait_ms_) return;
    wait_ms_ = attempt.wait_ms;
    slowest_ = first;
  }

  /// After all were asked.
  Admission settle() {
    admission_.offence = offence_;
    if (admission_.admitted && (wait_ms_ > 0 || offence_)) {
      admission_.admitted = false;
      admission_.paced = true;
      admission_.decided_by = slowest_;
      admission_.remaining = 0;
      admission_.reset = std::max(Seconds{1}, seconds_of(wait_ms_));
    }
    admission_.limit = limits_[admission_.decided_by];
    return admission_;
  }
  void take(std::size_t i) {
    const Charge& charge = request_.charges[i];
    windows_[i]->take(charge.cost, now_, window_of(charge));
  }
  void tell_throttles() {
    for (auto* throttle : throttled_) {
      if (throttle != nullptr) throttle->admitted(now_);
    }
  }

 private:
  const AdmitRequest& request_;
  const std::int64_t now_;
  Admission admission_;
  std::int64_t tightest_ = INT64_MAX;
  std::array<Window*, AdmitRequest::kMaxCharges> windows_{};
  std::array<std::uint32_t, AdmitRequest::kMaxCharges> limits_{};
  std::array<Throttle*, AdmitRequest::kMaxSubjects> throttled_{};
  std::int64_t wait_ms_ = 0;
  std::size_t slowest_ = 0;
  bool offence_ = false;
};

Admission Limiter::charge(const AdmitRequest& request) {
  if (request.count == 0) return {};
  Locks locks;
  lock(request, locks);
  const std::int64_t now = this->now();
  Decision decision(request, now);
  // The tables keep more than a request has keys, so nothing that is found here is evicted before
  // the end.
  std::array<Standing*, AdmitRequest::kMaxSubjects> standings{};
  for (std::size_t s = 0; s < request.subject_count; ++s) {
    const Subject& subject = request.subjects[s];
    auto& table = shard_of(subject.key).standings;
    standings[s] = subject.hold_back ? &table.touch(subject.key) : table.find(subject.key);
  }
  const auto limit_of = [&](const Charge& charge) {
    if (charge.subject == Charge::kNobody || standings[charge.subject] == nullptr) {
      return charge.limit;
    }
    // Who behaved badly has half of its limits.
    const bool suspicious = standings[charge.subject]->reputation.is_suspicious(now);
    return suspicious ? std::max(1U, charge.limit / 2) : charge.limit;
  };
  std::size_t shared = request.count;
  for (std::size_t i = 0; i < request.count; ++i) {
    const Charge& charge = request.charges[i];
    if (charge.shared) {
      shared = i;
    } else {
      decision.ask(i, shard_of(charge.key).windows.touch(charge.key), limit_of(charge));
    }
  }
  for (std::size_t s = 0; s < request.subject_count; ++s) {
    if (standings[s] != nullptr) decision.pace(s, standings[s]->throttle);
  }
  const Admission admission = [&] {
    if (shared == request.count) return decision.settle();
    // Everybody waits for this one, so it is held last, for one window.
    const Charge& charge = request.charges[shared];
    SharedShard& shard = shared_[charge.key[1] % kSharedShards];
    const std::lock_guard lock(shard.mutex);
    decision.ask(shared, shard.windows.touch(charge.key), limit_of(charge));
    const Admission settled = decision.settle();
    if (settled.admitted) decision.take(shared);
    return settled;
  }();
  if (admission.admitted) {
    for (std::size_t i = 0; i < request.count; ++i) {
      if (i != shared) decision.take(i);
    }
    decision.tell_throttles();
    // Who was noticed once can make up for it.
    for (auto* standing : standings) {
      if (standing != nullptr) standing->reputation.amend(now);
    }
  } else if (const Charge& decided = request.charges[admission.decided_by];
             decided.subject != Charge::kNobody) {
    const auto& key = request.subjects[decided.subject].key;
    shard_of(key).standings.touch(key).throttle.refused(
        now, {whole_limit(admission.limit, decided), window_of(decided)});
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
  for (const auto& shard : shared_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.windows.size();
  }
  return sum;
}

}  // namespace portcullis::state

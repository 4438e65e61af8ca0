#include "upstream/service_group.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"

namespace portcullis::upstream {

Result<std::shared_ptr<ServiceGroup>> ServiceGroup::make(ServiceGroupOptions options,
                                                         observe::Metrics& metrics,
                                                         observe::Log& log) {
  std::shared_ptr<ServiceGroup> out(new ServiceGroup(std::move(options.name), options.slow_start));
  std::size_t connections = 0;
  for (auto& one : options.targets) {
    auto target = std::make_unique<Target>();
    connections += one.max_connections;
    one.breaker.needs_several = true;
    TRY(target->service, HttpService::make(one, metrics, log));
    if (options.health) {
      TRY(target->health,
          HealthCheck::make(target->service, std::move(one), *options.health, metrics));
    }
    out->targets_.push_back(std::move(target));
  }
  out->share_ = std::max<std::size_t>(1, connections / 4);
  return out;
}

void ServiceGroup::start_checks(net::Worker& worker) {
  for (const auto& target : targets_) {
    if (target->health) target->health->start(worker);
  }
}

bool ServiceGroup::is_asking() const {
  return std::ranges::any_of(
      targets_, [](const auto& target) { return target->health && target->health->is_asking(); });
}

/// By chance, more often the longer ago it has recovered.
bool ServiceGroup::takes_its_share(const Target& target) const {
  if (slow_start_.count() == 0) return true;
  const auto recovered = target.service->breaker().recovered_at();
  if (recovered == MonotonicTime{}) return true;
  constexpr std::int64_t kLeast = 10;
  const auto age = Clock::system().monotonic() - recovered;
  const auto percent = std::max(kLeast, 100 * age / slow_start_);
  return static_cast<std::int64_t>(FastRandom::local().below(100)) < percent;
}

bool ServiceGroup::enter(std::uint64_t caller) {
  const std::lock_guard lock(mutex_);
  auto& count = callers_[caller];
  if (count >= share_) return false;
  ++count;
  return true;
}

void ServiceGroup::leave(std::uint64_t caller) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = callers_.find(caller);
  if (--at->second == 0) callers_.erase(at);
}

Result<ServiceGroup::Lease> ServiceGroup::choose(const std::shared_ptr<ServiceGroup>& group,
                                                 std::uint64_t tried, std::uint64_t caller,
                                                 bool may_probe) {
  auto& targets = group->targets_;
  const auto is_good = [&](std::size_t i) { return targets[i]->is_good(); };
  const auto is_well = [&](std::size_t i) { return targets[i]->is_well(); };
  const auto is_willing = [&](std::size_t i) { return group->takes_its_share(*targets[i]); };
  // Good ones, after them those that may want to be probed, and last those that are unwell.
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if ((tried >> i & 1) == 0) left.push_back(i);
  }
  const auto rest = std::ranges::partition(left, is_good);
  const auto good = left.size() - rest.size();
  const auto unwell = std::ranges::partition(rest, is_well);
  // Where all are unwell, that says no more about one than about the others.
  auto choice = unwell.size() == left.size() ? left.size() : good;
  if (good > 1) {
    choice -= std::ranges::partition(left.begin(), rest.begin(), is_willing).size();
    if (choice == 0) choice = good;
  }
  if (choice > 1) {
    auto& random = FastRandom::local();
    std::swap(left[0], left[random.below(choice)]);
    std::swap(left[1], left[1 + random.below(choice - 1)]);
    if (targets[left[1]]->under_way < targets[left[0]]->under_way) std::swap(left[0], left[1]);
  }
  // One that was away is probed by a request that then goes elsewhere where it must.
  if (may_probe) std::rotate(left.begin(), rest.begin(), unwell.begin());
  if (!group->enter(caller)) {
    return fail(ErrorCode::exhausted, "the caller has too many requests under way",
                ErrorOrigin::client);
  }
  for (const auto i : left) {
    const auto pass = targets[i]->service->breaker().allow();
    if (!pass) continue;
    Lease out;
    out.group_ = group;
    out.service_ = targets[i]->service;
    out.target_ = i;
    out.caller_ = caller;
    out.pass_ = pass;
    ++targets[i]->under_way;
    return out;
  }
  group->leave(caller);
  return fail(ErrorCode::unavailable, "no target of the service takes requests",
              ErrorOrigin::upstream);
}

ServiceGroup::Lease::Lease(Lease&& other) noexcept
    : group_(std::exchange(other.group_, nullptr)),
      service_(std::move(other.service_)),
      target_(other.target_),
      caller_(other.caller_),
      pass_(std::exchange(other.pass_, {})) {}

ServiceGroup::Lease& ServiceGroup::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  release();
  group_ = std::exchange(other.group_, nullptr);
  service_ = std::move(other.service_);
  target_ = other.target_;
  caller_ = other.caller_;
  pass_ = std::exchange(other.pass_, {});
  return *this;
}

void ServiceGroup::Lease::record(bool success) {
  if (pass_) service_->breaker().record(std::exchange(pass_, {}), success, caller_);
}

void ServiceGroup::Lease::record_absence() {
  if (pass_) {
    service_->breaker().record(std::exchange(pass_, {}), false, FastRandom::local().next());
  }
}

void ServiceGroup::Lease::forget() noexcept {
  if (pass_) service_->breaker().forget(std::exchange(pass_, {}));
}

void ServiceGroup::Lease::release() noexcept {
  if (!group_) return;
  forget();
  --group_->targets_[target_]->under_way;
  group_->leave(caller_);
  group_.reset();
}

std::size_t ServiceGroup::available() const {
  return static_cast<std::size_t>(std::ranges::count_if(targets_, [](const auto& target) {
    return target->is_well() && target->service->breaker().state() != Breaker::State::open;
  }));
}

Milliseconds ServiceGroup::retry_after() const {
  Milliseconds out = Milliseconds::max();
  for (const auto& target : targets_) {
    out = std::min(out, target->service->breaker().retry_after());
  }
  return out;
}

std::size_t ServiceGroup::open_connections() const {
  std::size_t out = 0;
  for (const auto& target : targets_) out += target->service->open_connections();
  return out;
}

void ServiceGroup::retire(net::Worker& worker) {
  for (const auto& target : targets_) {
    target->service->retire(worker);
    if (target->health) target->health->stop_on(worker);
  }
}

}  // namespace portcullis::upstream

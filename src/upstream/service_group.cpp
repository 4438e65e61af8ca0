#include "upstream/service_group.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"

namespace portcullis::upstream {

Result<std::shared_ptr<ServiceGroup>> ServiceGroup::make(
    std::string name, const std::vector<HttpServiceOptions>& targets, observe::Metrics& metrics,
    observe::Log& log) {
  std::shared_ptr<ServiceGroup> out(new ServiceGroup(std::move(name)));
  std::size_t connections = 0;
  for (auto options : targets) {
    auto target = std::make_unique<Target>();
    connections += options.max_connections;
    options.breaker.needs_several = true;
    TRY(target->service, HttpService::make(std::move(options), metrics, log));
    out->targets_.push_back(std::move(target));
  }
  out->share_ = std::max<std::size_t>(1, connections / 4);
  return out;
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
  const auto is_closed = [&](std::size_t i) {
    return targets[i]->service->breaker().state() == Breaker::State::closed;
  };
  // Good ones, and after them those that may want to be probed.
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if ((tried >> i & 1) == 0) left.push_back(i);
  }
  const auto probes = std::ranges::partition(left, is_closed);
  const auto good = left.size() - probes.size();
  if (good > 1) {
    auto& random = FastRandom::local();
    std::swap(left[0], left[random.below(good)]);
    std::swap(left[1], left[1 + random.below(good - 1)]);
    if (targets[left[1]]->under_way < targets[left[0]]->under_way) std::swap(left[0], left[1]);
  }
  // One that was away is probed by a request that then goes elsewhere where it must.
  if (may_probe && good > 0 && !probes.empty()) {
    std::ranges::rotate(left, left.begin() + static_cast<std::ptrdiff_t>(good));
  }
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
    return target->service->breaker().state() != Breaker::State::open;
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
  for (const auto& target : targets_) target->service->retire(worker);
}

}  // namespace portcullis::upstream

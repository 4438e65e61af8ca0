#include "state/revocation.hpp"

#include <algorithm>
#include <mutex>

namespace portcullis::state {

void RevocationTable::add(const Revocation& revocation, WallTime now) {
  if (revocation.until <= now) return;
  const std::lock_guard lock(mutex_);
  const auto forget_first = [this] {
    entries_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  };
  while (!by_end_.empty() && by_end_.begin()->first <= now) forget_first();
  const auto [at, is_new] =
      entries_.try_emplace(revocation.what, Entry{revocation.since, revocation.until});
  if (!is_new) {
    by_end_.erase({at->second.until, revocation.what});
    at->second.since = std::max(at->second.since, revocation.since);
    at->second.until = std::max(at->second.until, revocation.until);
  }
  by_end_.emplace(at->second.until, revocation.what);
  if (entries_.size() > capacity_) forget_first();
}

bool RevocationTable::is_revoked(const Key& what, WallTime issued, WallTime now) const {
  const std::shared_lock lock(mutex_);
  const auto at = entries_.find(what);
  return at != entries_.end() && issued < at->second.since && now < at->second.until;
}

std::size_t RevocationTable::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

}  // namespace portcullis::state

#include "http/in_flight.hpp"

namespace portcullis::http {

std::optional<std::size_t> InFlight::enter(std::span<const Holder> holders, Places& places) {
  // Memory is at stake, so this is no matter of an assertion.
  if (holders.size() > kMost - places.count_) return 0;
  if (places.count_ > 0 && places.table_ != this) return 0;
  places.table_ = this;
  const std::size_t before = places.count_;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    Shard& shard = shards_[shard_number(holders[i].key)];
    const std::unique_lock lock(shard.mutex);
    auto& count = shard.counts[holders[i].key];
    if (count < holders[i].limit) {
      ++count;
      places.keys_[places.count_++] = holders[i].key;
      continue;
    }
    if (count == 0) shard.counts.erase(holders[i].key);
    break;
  }
  const std::size_t taken = places.count_ - before;
  if (taken == holders.size()) return std::nullopt;
  while (places.count_ > before) leave(places.keys_[--places.count_]);
  return taken;
}

void InFlight::leave(const Key& key) {
  Shard& shard = shards_[shard_number(key)];
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.counts.find(key);
  if (--at->second == 0) shard.counts.erase(at);
}

std::uint32_t InFlight::count(const Key& key) const {
  const Shard& shard = shards_[shard_number(key)];
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.counts.find(key);
  return at == shard.counts.end() ? 0 : at->second;
}

}  // namespace portcullis::http

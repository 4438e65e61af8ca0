#include "http/in_flight.hpp"

#include <cassert>

namespace portcullis::http {

std::optional<std::size_t> InFlight::enter(std::span<const Holder> holders, Places& places) {
  assert(places.count_ + holders.size() <= kMost);
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

#include "net/connection_limits.hpp"

namespace portcullis::net {

ConnectionLimits::Shard& ConnectionLimits::shard_of(const IpAddress& network) {
  return shards_[std::hash<IpAddress>{}(network) % shards_.size()];
}

ConnectionLimits::Outcome ConnectionLimits::admit(const IpAddress& address, bool count_address) {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= max_total_) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return Outcome::total_reached;
  }
  if (!count_address) return Outcome::admitted;
  const IpAddress network = address.network();
  Shard& shard = shard_of(network);
  const std::lock_guard lock(shard.mutex);
  auto& count = shard.counts[network];
  if (count >= max_per_address_) {
    if (count == 0) shard.counts.erase(network);
    open_.fetch_sub(1, std::memory_order_relaxed);
    return Outcome::address_reached;
  }
  ++count;
  return Outcome::admitted;
}

void ConnectionLimits::release(const IpAddress& address, bool count_address) {
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (!count_address) return;
  const IpAddress network = address.network();
  Shard& shard = shard_of(network);
  const std::lock_guard lock(shard.mutex);
  if (const auto at = shard.counts.find(network); at != shard.counts.end() && --at->second == 0) {
    shard.counts.erase(at);
  }
}

}  // namespace portcullis::net

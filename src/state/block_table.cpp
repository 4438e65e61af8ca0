#include "state/block_table.hpp"

#include <algorithm>
#include <mutex>

namespace portcullis::state {

std::optional<Block> BlockTable::offend(const IpAddress& address, Seconds first,
                                        std::string_view reason) {
  const IpAddress network = address.network();
  const WallTime now = clock_.wall();
  const std::lock_guard lock(mutex_);
  auto at = blocks_.find(network);
  if (at == blocks_.end()) {
    if (!make_room(now)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    at = blocks_.try_emplace(network).first;
  }
  Block& block = at->second;
  if (block.until > now) return block;
  const Seconds before = std::chrono::duration_cast<Seconds>(block.until - block.since);
  const bool again = block.offences > 0 && now < block.until + kMemory;
  const Seconds length = again ? std::max(first, before * 2) : first;
  block = {now, now + std::min(length, kLongest), Block::By::rule, std::string(reason),
           again ? block.offences + 1 : 1};
  kept_.store(blocks_.size(), std::memory_order_release);
  return block;
}

std::optional<Block> BlockTable::find(const IpAddress& address) const {
  if (kept_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto at = blocks_.find(address.network());
  if (at == blocks_.end() || at->second.until <= clock_.wall()) return std::nullopt;
  return at->second;
}

std::size_t BlockTable::size() const {
  const WallTime now = clock_.wall();
  const std::shared_lock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(blocks_, [&](const auto& item) { return item.second.until > now; }));
}

bool BlockTable::make_room(WallTime now) {
  if (blocks_.size() < capacity_) return true;
  if (now - swept_ < Seconds{1}) return false;  // or a flood would have us do nothing else
  swept_ = now;
  boost::unordered::erase_if(blocks_, [&](const auto& item) { return item.second.until <= now; });
  return blocks_.size() < capacity_;
}

}  // namespace portcullis::state

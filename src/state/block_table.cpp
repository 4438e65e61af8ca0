#include "state/block_table.hpp"

#include <algorithm>
#include <mutex>

namespace portcullis::state {

std::optional<Block> BlockTable::offend(const IpAddress& address, Seconds first,
                                        std::string_view reason) {
  const IpAddress network = address.network();
  const WallTime now = clock_.wall();
  Block made;
  {
    const std::lock_guard lock(mutex_);
    Block* block = place_of(network, now);
    if (block == nullptr) return std::nullopt;
    if (block->until > now) return *block;
    const Seconds before = std::chrono::duration_cast<Seconds>(block->until - block->since);
    const bool again = block->offences > 0 && now < block->until + kMemory;
    const Seconds length = again ? std::max(first, before * 2) : first;
    *block = {now, now + std::min(length, kLongest), Block::By::rule, std::string(reason),
              again ? block->offences + 1 : 1};
    made = *block;
  }
  if (made_) made_(network, made);
  return made;
}

void BlockTable::learn(const IpAddress& network, const Block& block) {
  const WallTime now = clock_.wall();
  if (block.until + kMemory <= now) return;
  const std::lock_guard lock(mutex_);
  Block* known = place_of(network, now);
  if (known != nullptr && supersedes(block, *known, now)) *known = block;
}

std::optional<Block> BlockTable::impose(const IpAddress& address, WallTime until,
                                        std::string_view reason) {
  const IpAddress network = address.network();
  const WallTime now = clock_.wall();
  const Block made{now, std::max(now, until), Block::By::operator_, std::string(reason), 0};
  {
    const std::lock_guard lock(mutex_);
    Block* block = place_of(network, now);
    if (block == nullptr) return std::nullopt;
    *block = made;
  }
  if (made_) made_(network, made);
  return made;
}

bool BlockTable::supersedes(const Block& fresh, const Block& known, WallTime now) noexcept {
  if (fresh.by == Block::By::operator_) {
    return known.by == fresh.by ? fresh.since > known.since : fresh.since >= known.since;
  }
  if (known.by != Block::By::operator_) return fresh.until > known.until;
  return known.until <= now && fresh.since > known.since;
}

/// The entry of a network, made where there is room for one.
Block* BlockTable::place_of(const IpAddress& network, WallTime now) {
  auto at = blocks_.find(network);
  if (at == blocks_.end()) {
    if (!make_room(now)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    at = blocks_.try_emplace(network).first;
    kept_.store(blocks_.size(), std::memory_order_release);
  }
  return &at->second;
}

std::vector<std::pair<IpAddress, Block>> BlockTable::lasting() const {
  const WallTime now = clock_.wall();
  std::vector<std::pair<IpAddress, Block>> out;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [network, block] : blocks_) {
      if (block.until > now) out.emplace_back(network, block);
    }
  }
  std::ranges::sort(out, {}, &std::pair<IpAddress, Block>::first);
  return out;
}

std::vector<std::pair<IpAddress, Block>> BlockTable::decided() const {
  const WallTime now = clock_.wall();
  const std::shared_lock lock(mutex_);
  std::vector<std::pair<IpAddress, Block>> out;
  for (const auto& [network, block] : blocks_) {
    const bool is_lifted = block.by == Block::By::operator_ && block.until + kMemory > now;
    if (block.until > now || is_lifted) out.emplace_back(network, block);
  }
  return out;
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
  if (now >= swept_ && now - swept_ < Seconds{1})
    return false;  // or a flood would have us do nothing else
  swept_ = now;
  boost::unordered::erase_if(blocks_, [&](const auto& item) { return item.second.until <= now; });
  return blocks_.size() < capacity_;
}

}  // namespace portcullis::state

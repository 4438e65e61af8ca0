#include "guards/body/body_room.hpp"

namespace portcullis::guards {

std::shared_ptr<const void> BodyRoom::take(const std::shared_ptr<BodyRoom>& room,
                                           const IpAddress& network, std::uint64_t bytes) {
  {
    const std::lock_guard lock(room->mutex_);
    if (bytes > room->free_) return nullptr;
    const auto at = room->taken_.find(network);
    const auto taken = at == room->taken_.end() ? 0 : at->second;
    if (taken > 0 && taken + bytes > room->all_ / 4) return nullptr;
    room->free_ -= bytes;
    room->taken_[network] += bytes;
  }
  return {room.get(), [room, network, bytes](const void*) { room->give_back(network, bytes); }};
}

void BodyRoom::give_back(const IpAddress& network, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  free_ += bytes;
  const auto at = taken_.find(network);
  at->second -= bytes;
  if (at->second == 0) taken_.erase(at);
}

}  // namespace portcullis::guards

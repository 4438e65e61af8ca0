#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"

namespace portcullis::net {

/// How many connections are open in all and from each network (IPv4 address, IPv6 /64).
///
/// Threads: any; sharded locks. Bounded by the connections themselves: a network without one is
/// forgotten.
class ConnectionLimits {
 public:
  enum class Outcome : std::uint8_t { admitted, total_reached, address_reached };

  ConnectionLimits(std::size_t total, std::size_t per_address)
      : max_total_(total), max_per_address_(per_address) {}

  /// `count_address` false: bound by the total alone (a trusted proxy).
  Outcome admit(const IpAddress& address, bool count_address = true);
  void release(const IpAddress& address, bool count_address = true);
  std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
  void set(std::size_t total, std::size_t per_address) noexcept {
    max_total_ = total;
    max_per_address_ = per_address;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<IpAddress, std::size_t> counts;
  };
  Shard& shard_of(const IpAddress& network);

  std::atomic<std::size_t> max_total_;
  std::atomic<std::size_t> max_per_address_;
  std::atomic<std::size_t> open_{0};
  std::array<Shard, 16> shards_;
};

}  // namespace portcullis::net

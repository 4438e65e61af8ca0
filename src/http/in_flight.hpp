#pragma once
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace portcullis::http {

/// How many requests are under way at a time, for each of those whom they are counted for: an
/// address and its network, a session, a site. Under way is what its client waits for: one that
/// leaves, or has its answer made in the background, gives its places back
/// (`upstream.runs_per_session` and `upstream.max_connections` bound answers in the making).
///
/// Threads:   any; sharded locks, one at a time.
/// Ownership: outlives every Places that it filled.
/// Bounds:    kMost entries a request; who has none under way is forgotten.
/// Cost:      bench/micro_bench.cpp.
class InFlight {
 public:
  using Key = std::array<std::uint64_t, 2>;
  static constexpr std::size_t kMost = 4;

  /// Somebody who may have so many requests under way.
  struct Holder {
    Key key{};
    std::uint32_t limit = 0;
    std::string_view tier{};  ///< static text: its name, for who tells that it has none left
  };

  /// The places that one request takes; given back when it is destroyed.
  class Places {
   public:
    Places() = default;
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;
    ~Places() { give_back(); }
    void give_back() {
      while (count_ > 0) table_->leave(keys_[--count_]);
    }

   private:
    friend class InFlight;
    InFlight* table_ = nullptr;
    std::array<Key, kMost> keys_{};
    std::size_t count_ = 0;
  };

  /// Takes a place of each holder, or of none. Adds to what `places` has already.
  /// @returns the index of the first one that has none left; nullopt: taken.
  /// Where `places` has no room for them it takes none, and the first one is named.
  /// REQUIRES: keys have been mixed (state::key_of); `places` were not taken of another table.
  std::optional<std::size_t> enter(std::span<const Holder> holders, Places& places);

  /// Requests of this key that are under way.
  std::uint32_t count(const Key& key) const;

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept { return key[0]; }
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    boost::unordered_flat_map<Key, std::uint32_t, Hash> counts;
  };

  static std::size_t shard_number(const Key& key) noexcept { return key[1] % kShards; }
  void leave(const Key& key);

  static constexpr std::size_t kShards = 32;
  std::array<Shard, kShards> shards_;
};

}  // namespace portcullis::http

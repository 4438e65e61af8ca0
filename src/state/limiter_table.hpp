#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "state/store.hpp"
#include "state/window.hpp"

namespace portcullis::state {

/// The windows of one shard: a bounded hash table in which the key that was silent longest gives
/// way.
///
/// Threads: none of its own; the store locks.
/// Memory:  at most `capacity` entries of 104 bytes and their slots in the index.
class LimiterTable {
 public:
  explicit LimiterTable(std::size_t capacity) : capacity_(capacity) {}

  /// The window of this key, made at need; it becomes the youngest. Valid until the next call that
  /// may evict, so look all keys of a request up first and check `capacity >= 16`.
  Window& touch(const Key& key);
  std::size_t size() const noexcept { return index_.size(); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Entry {
    Key key;
    Window window;
    std::uint32_t older = kNone;
    std::uint32_t younger = kNone;
  };

  void unlink(std::uint32_t at) noexcept;
  void link_youngest(std::uint32_t at) noexcept;

  std::size_t capacity_;
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> index_;
  std::vector<Entry> entries_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t youngest_ = kNone;
};

}  // namespace portcullis::state

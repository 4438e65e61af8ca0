#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "state/store.hpp"

namespace portcullis::state {

/// What is kept of each key: a bounded hash table in which the key that was silent longest gives
/// way.
///
/// Threads: none of its own; the store locks.
/// Memory:  at most `capacity` entries, 24 bytes beside each value, and their slots in the index.
template <class Value>
class RecentTable {
 public:
  explicit RecentTable(std::size_t capacity) : capacity_(capacity) {}

  /// The value of this key, made at need; it becomes the youngest. Valid until the next call that
  /// may evict, so look all keys of a request up first and check `capacity >= 16`.
  Value& touch(const Key& key) {
    if (Value* known = find(key)) return *known;
    std::uint32_t at;
    if (entries_.size() < capacity_) {
      at = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      at = oldest_;
      unlink(at);
      index_.erase(entries_[at].key);
      entries_[at].value = Value{};
    }
    entries_[at].key = key;
    index_.emplace(key, at);
    link_youngest(at);
    return entries_[at].value;
  }

  /// Null where nothing is kept; else as touch().
  Value* find(const Key& key) {
    const auto known = index_.find(key);
    if (known == index_.end()) return nullptr;
    if (known->second != youngest_) {
      unlink(known->second);
      link_youngest(known->second);
    }
    return &entries_[known->second].value;
  }

  std::size_t size() const noexcept { return index_.size(); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Entry {
    Key key;
    Value value;
    std::uint32_t older = kNone;
    std::uint32_t younger = kNone;
  };

  void unlink(std::uint32_t at) noexcept {
    const Entry& entry = entries_[at];
    (entry.older == kNone ? oldest_ : entries_[entry.older].younger) = entry.younger;
    (entry.younger == kNone ? youngest_ : entries_[entry.younger].older) = entry.older;
  }

  void link_youngest(std::uint32_t at) noexcept {
    entries_[at].older = youngest_;
    entries_[at].younger = kNone;
    (youngest_ == kNone ? oldest_ : entries_[youngest_].younger) = at;
    youngest_ = at;
  }

  std::size_t capacity_;
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> index_;
  std::vector<Entry> entries_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t youngest_ = kNone;
};

}  // namespace portcullis::state

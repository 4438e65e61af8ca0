#pragma once
#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "state/key.hpp"

namespace portcullis::state {

/// What is kept of each key: a bounded hash table in which the key that was silent longest gives
/// way.
///
/// Threads: none of its own; the store locks.
/// Memory:  at most `capacity` entries, 24 bytes beside each value, and 5 bytes for each slot of
///          the index. Entries are made in blocks and never move, so growth copies only the index.
template <class Value>
class RecentTable {
 public:
  explicit RecentTable(std::size_t capacity)
      : capacity_(capacity), index_(0, Hash{*this}, Equal{*this}) {}
  RecentTable(const RecentTable&) = delete;
  RecentTable& operator=(const RecentTable&) = delete;

  /// The value of this key, made at need; it becomes the youngest. Valid until `capacity` other
  /// keys were touched.
  Value& touch(const Key& key) {
    if (Value* known = find(key)) return *known;
    std::uint32_t at;
    if (size_ < capacity_) {
      at = size_++;
      if (at % kBlock == 0) blocks_.push_back(std::make_unique<Block>());
    } else {
      at = oldest_;
      unlink(at);
      index_.erase(at);
      entry(at).value = Value{};
    }
    entry(at).key = key;
    index_.insert(at);
    link_youngest(at);
    return entry(at).value;
  }

  /// Null where nothing is kept; else as touch().
  Value* find(const Key& key) {
    const auto known = index_.find(key);
    if (known == index_.end()) return nullptr;
    if (*known != youngest_) {
      unlink(*known);
      link_youngest(*known);
    }
    return &entry(*known).value;
  }

  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint32_t kBlock = 64;
  struct Entry {
    Key key{};
    Value value{};
    std::uint32_t older = kNone;
    std::uint32_t younger = kNone;
  };
  using Block = std::array<Entry, kBlock>;
  /// The index holds numbers of entries, and looks at the entries for their keys.
  struct Hash {
    using is_transparent = void;
    const RecentTable& table;
    std::size_t operator()(const Key& key) const noexcept { return KeyHash{}(key); }
    std::size_t operator()(std::uint32_t at) const noexcept { return KeyHash{}(table.key_at(at)); }
  };
  struct Equal {
    using is_transparent = void;
    const RecentTable& table;
    bool operator()(std::uint32_t a, std::uint32_t b) const noexcept { return a == b; }
    bool operator()(const Key& key, std::uint32_t at) const noexcept {
      return key == table.key_at(at);
    }
    bool operator()(std::uint32_t at, const Key& key) const noexcept { return (*this)(key, at); }
  };

  Entry& entry(std::uint32_t at) noexcept { return (*blocks_[at / kBlock])[at % kBlock]; }
  const Key& key_at(std::uint32_t at) const noexcept {
    return (*blocks_[at / kBlock])[at % kBlock].key;
  }

  void unlink(std::uint32_t at) noexcept {
    const Entry& gone = entry(at);
    (gone.older == kNone ? oldest_ : entry(gone.older).younger) = gone.younger;
    (gone.younger == kNone ? youngest_ : entry(gone.younger).older) = gone.older;
  }

  void link_youngest(std::uint32_t at) noexcept {
    entry(at).older = youngest_;
    entry(at).younger = kNone;
    (youngest_ == kNone ? oldest_ : entry(youngest_).younger) = at;
    youngest_ = at;
  }

  std::size_t capacity_;
  std::uint32_t size_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
  boost::unordered_flat_set<std::uint32_t, Hash, Equal> index_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t youngest_ = kNone;
};

}  // namespace portcullis::state

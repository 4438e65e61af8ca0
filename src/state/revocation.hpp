#pragma once
#include <cstddef>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "state/key.hpp"

namespace portcullis::state {

/// What was issued under a key before `since` is void; to be remembered until `until`, when all of
/// it has expired by itself.
struct Revocation {
  Key what{};
  WallTime since;
  WallTime until;
};

/// What has been revoked and has not expired by itself yet.
///
/// Threads: any; readers share a lock.
/// Bounds:  `capacity`; of more the one that would be forgotten first gives way.
/// Cost:    to look: one hash lookup; to add: logarithmic.
class RevocationTable {
 public:
  explicit RevocationTable(std::size_t capacity) : capacity_(capacity) {}

  /// The later `since` and the later `until` of what is known of this key hold.
  void add(const Revocation& revocation, WallTime now);
  bool is_revoked(const Key& what, WallTime issued, WallTime now) const;
  std::size_t size() const;

 private:
  struct Entry {
    WallTime since;
    WallTime until;
  };
  const std::size_t capacity_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<Key, Entry, KeyHash> entries_;
  std::set<std::pair<WallTime, Key>> by_end_;
};

}  // namespace portcullis::state

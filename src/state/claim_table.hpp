#pragma once
#include <array>
#include <cstddef>
#include <list>
#include <unordered_map>

#include "state/store.hpp"

namespace portcullis::state {

/// Who presented which claimed session: a bounded table in which the session that was silent
/// longest gives way.
///
/// A forgotten entry makes a claim unknown again and nobody's own: what must not depend on it
/// (whose conversation it is) is not kept here.
///
/// Threads: none of its own; the store locks.
/// Memory:  at most `capacity` entries of kPresenters keys each. The first presenter keeps its
///          place; of the others the one that was remembered first gives way.
class ClaimTable {
 public:
  static constexpr std::size_t kPresenters = 4;

  explicit ClaimTable(std::size_t capacity) : capacity_(capacity) {}

  /// How the claim stands; Use::take remembers its presenter then.
  ClaimStanding visit(const Claim& claim);
  std::size_t size() const noexcept { return index_.size(); }

 private:
  struct Entry {
    Key session;
    std::array<Key, kPresenters> presenters;
    std::size_t count = 0;
    std::size_t oldest = 1;  ///< of those that may give way
  };

  static void remember(Entry& entry, const Key& presenter);

  std::size_t capacity_;
  std::list<Entry> by_age_;  ///< silent longest first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index_;
};

}  // namespace portcullis::state

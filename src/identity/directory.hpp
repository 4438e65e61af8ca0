#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "identity/account_store.hpp"

namespace portcullis::identity {

/// What a guard must know of accounts without waiting for their store: the keys of programs. Who
/// watches the store renews it.
///
/// Threads: any; find() and note_use() never wait for renew().
/// Bounds:  every key of the store is kept, about 500 bytes each.
/// Cost:    find: a lock for as long as a pointer is copied, and a hash lookup.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// Reads all keys anew. An error leaves what there was.
  Result<void> renew(AccountStore& store);

  /// From now on what it does not hold is not there, and what has been revoked is known. Before,
  /// who asks cannot decide.
  void set_known() noexcept { known_ = true; }
  bool is_known() const noexcept { return known_; }

  /// Null where there is no such key.
  std::shared_ptr<const ApiKey> find_key(std::string_view prefix) const;
  /// That it was used, to be told to the store later.
  void note_use(std::string_view prefix, WallTime now) const;
  /// The ids of keys that were used since the last call, each with the last time.
  std::vector<std::pair<std::string, WallTime>> take_uses() const;

 private:
  struct Entry;
  struct Keys;
  std::shared_ptr<const Keys> keys() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;
  std::atomic<bool> known_{false};
};

}  // namespace portcullis::identity

#include "identity/directory.hpp"

#include <unordered_map>

namespace portcullis::identity {

struct Directory::Entry {
  explicit Entry(ApiKey k) : key(std::move(k)) {}
  ApiKey key;
  mutable std::atomic<std::int64_t> used{0};  ///< since it was told, in milliseconds
};

/// By prefix; never changed once it is in force.
struct Directory::Keys : std::unordered_map<std::string_view, std::shared_ptr<const Entry>> {};

Directory::Directory() : keys_(std::make_shared<Keys>()) {}
Directory::~Directory() = default;

std::shared_ptr<const Directory::Keys> Directory::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

Result<void> Directory::renew(AccountStore& store) {
  const auto before = keys();
  auto fresh = std::make_shared<Keys>();
  std::string after;
  while (true) {
    TRY(auto page, store.api_keys(std::nullopt, after, AccountStore::kMaxPage));
    for (auto& key : page) {
      after = key.id;
      auto entry = std::make_shared<const Entry>(std::move(key));
      // A use that was not told yet is not lost.
      if (const auto old = before->find(entry->key.prefix); old != before->end()) {
        entry->used = old->second->used.load();
      }
      fresh->emplace(entry->key.prefix, std::move(entry));
    }
    if (page.size() < AccountStore::kMaxPage) break;
  }
  const std::lock_guard lock(mutex_);
  keys_ = std::move(fresh);
  return {};
}

std::shared_ptr<const ApiKey> Directory::find_key(std::string_view prefix) const {
  const auto all = keys();
  const auto at = all->find(prefix);
  if (at == all->end()) return nullptr;
  return {at->second, &at->second->key};
}

void Directory::note_use(std::string_view prefix, WallTime now) const {
  const auto all = keys();
  if (const auto at = all->find(prefix); at != all->end()) at->second->used = epoch_millis(now);
}

std::vector<std::pair<std::string, WallTime>> Directory::take_uses() const {
  std::vector<std::pair<std::string, WallTime>> out;
  const auto all = keys();
  for (const auto& [prefix, entry] : *all) {
    const auto used = entry->used.exchange(0);
    if (used != 0) out.emplace_back(entry->key.id, WallTime{Milliseconds{used}});
  }
  return out;
}

}  // namespace portcullis::identity

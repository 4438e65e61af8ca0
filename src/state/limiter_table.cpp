#include "state/limiter_table.hpp"

namespace portcullis::state {

Window& LimiterTable::touch(const Key& key) {
  if (const auto known = index_.find(key); known != index_.end()) {
    if (known->second != youngest_) {
      unlink(known->second);
      link_youngest(known->second);
    }
    return entries_[known->second].window;
  }
  std::uint32_t at;
  if (entries_.size() < capacity_) {
    at = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    at = oldest_;
    unlink(at);
    index_.erase(entries_[at].key);
    entries_[at].window = Window{};
  }
  entries_[at].key = key;
  index_.emplace(key, at);
  link_youngest(at);
  return entries_[at].window;
}

void LimiterTable::unlink(std::uint32_t at) noexcept {
  const Entry& entry = entries_[at];
  (entry.older == kNone ? oldest_ : entries_[entry.older].younger) = entry.younger;
  (entry.younger == kNone ? youngest_ : entries_[entry.younger].older) = entry.older;
}

void LimiterTable::link_youngest(std::uint32_t at) noexcept {
  entries_[at].older = youngest_;
  entries_[at].younger = kNone;
  (youngest_ == kNone ? oldest_ : entries_[youngest_].younger) = at;
  youngest_ = at;
}

}  // namespace portcullis::state

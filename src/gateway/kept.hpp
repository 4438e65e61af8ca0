#pragma once
#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace portcullis::gateway {

/// Parts that have connections of the workers, such as assistants: those of the configuration in
/// force, by everything that makes each what it is, and replaced ones that calls still use.
///
/// Threads: in_force() and replace() on the main thread; the others on any.
template <class T>
class Kept {
 public:
  using Map = std::unordered_map<std::string, std::shared_ptr<T>>;

  const Map& in_force() const noexcept { return in_force_; }

  /// @returns those that are not in force any more.
  std::vector<std::shared_ptr<T>> replace(Map fresh) {
    std::vector<std::shared_ptr<T>> gone;
    for (const auto& [identity, part] : in_force_) {
      if (!fresh.contains(identity)) gone.push_back(part);
    }
    const std::lock_guard lock(mutex_);
    in_force_ = std::move(fresh);
    std::erase_if(replaced_, [](const auto& part) { return part.expired(); });
    replaced_.insert(replaced_.end(), gone.begin(), gone.end());
    return gone;
  }

  /// Those in force, and replaced ones that are not freed yet.
  std::vector<std::shared_ptr<T>> living() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<T>> out;
    for (const auto& [identity, part] : in_force_) out.push_back(part);
    for (const auto& replaced : replaced_) {
      if (auto alive = replaced.lock()) out.push_back(std::move(alive));
    }
    return out;
  }

  /// How many of those in force have it.
  template <class Predicate>
  std::size_t count(Predicate has) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::ranges::count_if(in_force_, [&](const auto& entry) { return has(*entry.second); }));
  }

 private:
  mutable std::mutex mutex_;  ///< a reload replaces them while a scrape reads them
  Map in_force_;
  std::vector<std::weak_ptr<T>> replaced_;
};

}  // namespace portcullis::gateway

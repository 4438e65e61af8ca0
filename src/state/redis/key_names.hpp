#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "state/key.hpp"

namespace portcullis::state {

/// The names of keys in Redis.
///
/// Keys lie in buckets, and a bucket is what a cluster keeps in one place: its number is the hash
/// tag of their names. All keys of one value have the same bucket, such as the windows and the pace
/// of an address; so has a session with everything that is kept of it.
///
/// Threads: immutable.
class KeyNames {
 public:
  /// REQUIRES: no braces in `prefix`.
  KeyNames(std::string_view prefix, std::uint32_t buckets) : prefix_(prefix), buckets_(buckets) {}

  std::uint32_t buckets() const noexcept { return buckets_; }
  std::uint32_t bucket_of(const Key& key) const noexcept {
    return static_cast<std::uint32_t>(key[1] % buckets_);
  }
  /// `window:{17}:` and the key: one of a kind.
  std::string of(std::string_view kind, const Key& key) const {
    return in_bucket(kind, bucket_of(key)) + ':' + text(key);
  }
  /// `sessions:{17}`: what there is once in a bucket.
  std::string in_bucket(std::string_view kind, std::uint32_t bucket) const {
    return prefix_ + std::string(kind) + ":{" + std::to_string(bucket) + '}';
  }
  /// `{blocks}:order`: what there is once at all, in one place with the others of its group.
  std::string single(std::string_view group, std::string_view kind) const {
    return prefix_ + '{' + std::string(group) + "}:" + std::string(kind);
  }

  static std::string text(const Key& key);
  static std::optional<Key> parse(std::string_view text);

 private:
  std::string prefix_;
  std::uint32_t buckets_;
};

}  // namespace portcullis::state

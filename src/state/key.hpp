#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis::state {

/// 128 bits that stand for a key. Made by key_of() from what it names under a process-wide secret,
/// so that nobody outside can choose keys that collide.
using Key = std::array<std::uint64_t, 2>;

struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept { return key[0]; }
};

/// The secret id of a session. A store that lets texts out of the process seals them under it.
using SessionId = std::array<std::uint8_t, 32>;

/// Fowler, Noll and Vo's hash, variant 1a with 64 bits: for names of ours, which nobody chooses.
constexpr std::uint64_t name_hash(std::string_view name,
                                  std::uint64_t before = 0xcbf29ce484222325) noexcept {
  for (const char c : name) before = (before ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return before;
}

/// What a key is one of ("address", "session-minute" …): one of few names of ours, hashed by the
/// compiler.
class Space {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a space
  consteval Space(const char* name) : name_(name), hash_(name_hash(name)) {}
  constexpr std::string_view name() const noexcept { return name_; }
  constexpr std::uint64_t hash() const noexcept { return hash_; }

 private:
  std::string_view name_;
  std::uint64_t hash_;
};

/// A value hashed once, for its keys of several spaces. They all lie in one shard of a table, and
/// on one server of a cluster.
///
/// Cost: 25 ns for an address.
class KeyedValue {
 public:
  explicit KeyedValue(std::string_view value);
  /// One that is a key already.
  explicit KeyedValue(const Key& key) noexcept : hash_(key) {}

  // The secret keeps values apart, so spaces need no secret of their own.
  Key in(const Space& space) const noexcept { return {hash_[0] ^ space.hash(), hash_[1]}; }
  /// Of a space that is divided by a name of ours, such as a route's.
  Key in(const Space& space, std::string_view part) const noexcept {
    return {hash_[0] ^ name_hash(part, space.hash()), hash_[1]};
  }

 private:
  Key hash_;
};

inline Key key_of(const Space& space, std::string_view value) {
  return KeyedValue(value).in(space);
}

/// Makes keys the same in every process that is given the same secret of at least 16 bytes; without
/// it they differ from start to start. REQUIRES: no other thread runs yet.
void share_keys(std::string_view secret);

/// The key of a session with this secret id: the same in every process.
Key session_key(const SessionId& id);

}  // namespace portcullis::state

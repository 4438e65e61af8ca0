#include <cstring>

#include "base/random.hpp"
#include "base/siphash.hpp"
#include "state/store.hpp"

namespace portcullis::state {
namespace {

/// Fowler, Noll and Vo's hash, variant 1a with 64 bits.
constexpr std::uint64_t fnv1a(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

std::array<std::uint64_t, 2>& process_key() {
  static std::array<std::uint64_t, 2> key = [] {
    FastRandom random;
    return std::array<std::uint64_t, 2>{random.next(), random.next()};
  }();
  return key;
}

}  // namespace

void share_keys(std::string_view secret) {
  std::memcpy(process_key().data(), secret.data(), sizeof(process_key()));
}

Key key_of(std::string_view space, std::string_view value) {
  const auto of_value = siphash128(value, process_key());
  // Spaces are few names of ours, so an unkeyed hash keeps them apart. The second half depends on
  // the value alone: all windows of one address lie in one shard.
  return {of_value[0] ^ fnv1a(space), of_value[1]};
}

Key session_key(const SessionId& id) {
  // Nobody chooses these ids, so the hash needs no secret of its own.
  return siphash128({reinterpret_cast<const char*>(id.data()), id.size()}, {0x73657373, 0x696f6e});
}

}  // namespace portcullis::state

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

}  // namespace

Key key_of(std::string_view space, std::string_view value) {
  static const std::array<std::uint64_t, 2> kProcessKey = [] {
    FastRandom random;
    return std::array<std::uint64_t, 2>{random.next(), random.next()};
  }();
  const auto of_value = siphash128(value, kProcessKey);
  // Spaces are few names of ours, so an unkeyed hash keeps them apart. The second half depends on
  // the value alone: all windows of one address lie in one shard.
  return {of_value[0] ^ fnv1a(space), of_value[1]};
}

Key session_key(const std::array<std::uint8_t, 32>& id) {
  return key_of("session", {reinterpret_cast<const char*>(id.data()), id.size()});
}

}  // namespace portcullis::state

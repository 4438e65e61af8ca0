#include "base/random.hpp"
#include "base/siphash.hpp"
#include "state/store.hpp"

namespace portcullis::state {

Key key_of(std::string_view space, std::string_view value) {
  static const std::array<std::uint64_t, 2> kProcessKey = [] {
    FastRandom random;
    return std::array<std::uint64_t, 2>{random.next(), random.next()};
  }();
  const auto of_value = siphash128(value, kProcessKey);
  // The second half depends on the value alone: all windows of one address lie in one shard.
  const auto of_space = siphash128(space, of_value);
  return {of_space[0], of_value[1]};
}

Key session_key(const std::array<std::uint8_t, 32>& id) {
  return key_of("session", {reinterpret_cast<const char*>(id.data()), id.size()});
}

}  // namespace portcullis::state

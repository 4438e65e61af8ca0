#include "state/key.hpp"

#include <cstring>

#include "base/random.hpp"
#include "base/siphash.hpp"

namespace portcullis::state {
namespace {

Key& process_secret() {
  static Key secret = [] {
    FastRandom random;
    return Key{random.next(), random.next()};
  }();
  return secret;
}

}  // namespace

KeyedValue::KeyedValue(std::string_view value) : hash_(siphash128(value, process_secret())) {}

void share_keys(std::string_view secret) {
  std::memcpy(process_secret().data(), secret.data(), sizeof(Key));
}

Key session_key(const SessionId& id) {
  // Nobody chooses these ids, so the hash needs no secret of its own.
  return siphash128({reinterpret_cast<const char*>(id.data()), id.size()}, {0x73657373, 0x696f6e});
}

}  // namespace portcullis::state

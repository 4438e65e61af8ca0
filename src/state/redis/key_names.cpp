#include "state/redis/key_names.hpp"

#include "base/text.hpp"

namespace portcullis::state {

std::string KeyNames::text(const Key& key) {
  return text::hex({reinterpret_cast<const char*>(key.data()), sizeof(key)});
}

}  // namespace portcullis::state

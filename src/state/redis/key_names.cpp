#include "state/redis/key_names.hpp"

#include <bit>
#include <charconv>

#include "base/text.hpp"

namespace portcullis::state {

std::string KeyNames::text(const Key& key) {
  return text::hex({reinterpret_cast<const char*>(key.data()), sizeof(key)});
}

std::optional<Key> KeyNames::parse(std::string_view text) {
  std::array<std::uint8_t, sizeof(Key)> bytes{};
  if (text.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* const end = text.data() + 2 * i + 2;
    if (std::from_chars(end - 2, end, bytes[i], 16).ptr != end) return std::nullopt;
  }
  return std::bit_cast<Key>(bytes);
}

}  // namespace portcullis::state

#include "base/ids.hpp"

namespace portcullis {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int crockford_value(char c) noexcept {
  const auto at = kCrockford.find(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

Ulid Ulid::make(WallTime now) {
  thread_local Ulid last;
  const auto millis = static_cast<std::uint64_t>(epoch_millis(now));
  if (!last.empty() && last.high_ >> 16 == (millis & 0xffffffffffffULL)) {
    if (++last.low_ == 0) ++last.high_;
    return last;
  }
  auto& random = FastRandom::local();
  last.high_ = (millis << 16) | (random.next() & 0x7fff);  // headroom for the count
  last.low_ = random.next();
  return last;
}

std::string Ulid::text() const {
  std::string out(26, '0');
  __extension__ using Wide = unsigned __int128;
  Wide bits = (static_cast<Wide>(high_) << 64) | low_;
  for (int i = 25; i >= 0; --i) {
    out[static_cast<std::size_t>(i)] = kCrockford[static_cast<std::size_t>(bits & 31)];
    bits >>= 5;
  }
  return out;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != 26 || crockford_value(text[0]) > 7) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  Wide bits = 0;
  for (const char c : text) {
    const int value = crockford_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 5) | static_cast<unsigned>(value);
  }
  Ulid id;
  id.high_ = static_cast<std::uint64_t>(bits >> 64);
  id.low_ = static_cast<std::uint64_t>(bits);
  return id;
}

Uuid Uuid::random(FastRandom& source) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t high = source.next();
  std::uint64_t low = source.next();
  high = (high & ~0xf000ULL) | 0x4000ULL;
  low = (low & ~(3ULL << 62)) | (2ULL << 62);
  Uuid id;
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) id.text[at++] = '-';
    const std::uint64_t word = nibble < 16 ? high : low;
    id.text[at++] = kHex[(word >> (60 - 4 * (nibble % 16))) & 15];
  }
  return id;
}

}  // namespace portcullis

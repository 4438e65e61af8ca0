#include "base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace portcullis {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  IpAddress out;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.bytes_.begin());
  for (unsigned i = 0; i < 4; ++i) {
    out.bytes_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  }
  return out;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  IpAddress out;
  out.bytes_ = bytes;
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  in_addr four{};
  if (inet_pton(AF_INET, buffer, &four) == 1) return v4(ntohl(four.s_addr));
  in6_addr six{};
  if (inet_pton(AF_INET6, buffer, &six) != 1) return std::nullopt;
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &six, bytes.size());
  return v6(bytes);
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[12] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) &&
         bytes_[15] == 1;
}

bool IpAddress::is_private() const noexcept {
  if (is_loopback()) return true;
  if (!is_v4()) {
    return (bytes_[0] & 0xfe) == 0xfc || (bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80);
  }
  const auto a = bytes_[12];
  const auto b = bytes_[13];
  return a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) ||
         (a == 169 && b == 254) || (a == 100 && (b & 0xc0) == 64);
}

IpAddress IpAddress::network() const noexcept {
  if (is_v4()) return *this;
  IpAddress out = *this;
  std::fill(out.bytes_.begin() + 8, out.bytes_.end(), std::uint8_t{0});
  return out;
}

std::string IpAddress::text() const {
  if (!is_v4()) {
    char buffer[INET6_ADDRSTRLEN];
    return inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  }
  std::string out;
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) out += '.';
    text::append_number(out, bytes_[i]);
  }
  return out;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned width = address->is_v4() ? 32 : 128;
  unsigned prefix = width;
  if (slash != std::string_view::npos) {
    const auto number = text::parse_number<unsigned>(text.substr(slash + 1));
    if (!number || *number > width) return std::nullopt;
    prefix = *number;
  }
  Cidr out;
  out.base_ = *address;
  out.prefix_ = prefix + (128 - width);
  return out;
}

bool Cidr::contains(const IpAddress& address) const noexcept {
  const unsigned whole = prefix_ / 8;
  if (!std::equal(base_.bytes().begin(), base_.bytes().begin() + whole, address.bytes().begin())) {
    return false;
  }
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((base_.bytes()[whole] ^ address.bytes()[whole]) & mask) == 0;
}

IpAddress Cidr::first() const noexcept {
  auto bytes = base_.bytes();
  for (unsigned bit = prefix_; bit < 128; ++bit) {
    bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return IpAddress::v6(bytes);
}

IpAddress Cidr::last() const noexcept {
  auto bytes = base_.bytes();
  for (unsigned bit = prefix_; bit < 128; ++bit) {
    bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  return IpAddress::v6(bytes);
}

std::string Cidr::text() const {
  return base_.text() + "/" + std::to_string(base_.is_v4() ? prefix_ - 96 : prefix_);
}

AddressSet::AddressSet(const std::vector<Cidr>& blocks) {
  for (const auto& block : blocks) ranges_.push_back({block.first(), block.last()});
  std::ranges::sort(ranges_, {}, &Range::first);
  std::size_t kept = 0;
  for (const auto& range : ranges_) {
    if (kept > 0 && range.first <= ranges_[kept - 1].last) {
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

bool AddressSet::contains(const IpAddress& address) const noexcept {
  const auto after = std::ranges::upper_bound(ranges_, address, {}, &Range::first);
  return after != ranges_.begin() && address <= std::prev(after)->last;
}

bool any_contains(const std::vector<Cidr>& blocks, const IpAddress& address) noexcept {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Cidr& block) { return block.contains(address); });
}

}  // namespace portcullis

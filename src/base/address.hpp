#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis {

/// An IP address as 16 bytes; IPv4 is held in its mapped form (::ffff:a.b.c.d), so that one visitor
/// has one address whichever socket family accepted it.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order) noexcept;
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept;
  /// Accepts dotted IPv4 and RFC 4291 IPv6 without brackets, port or zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const noexcept;
  bool is_loopback() const noexcept;
  /// Loopback, RFC 1918, RFC 6598, link-local or unique local.
  bool is_private() const noexcept;
  /// The unit that limits count by: the address for IPv4, its /64 for IPv6.
  IpAddress network() const noexcept;
  std::string text() const;
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  /// The bytes, for what is keyed by them. The view ends with the address.
  std::string_view octets() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address block such as 10.0.0.0/8 or 2001:db8::/32; a bare address is a block of one.
class Cidr {
 public:
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const noexcept;
  IpAddress first() const noexcept;
  IpAddress last() const noexcept;
  std::string text() const;

 private:
  IpAddress base_;
  unsigned prefix_ = 128;  ///< counted in the mapped form
};

/// Many blocks, asked at once.
///
/// Threads: immutable.  Cost: one binary search.
class AddressSet {
 public:
  explicit AddressSet(const std::vector<Cidr>& blocks);
  bool contains(const IpAddress& address) const noexcept;

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  std::vector<Range> ranges_;  ///< sorted, apart from each other
};

bool any_contains(const std::vector<Cidr>& blocks, const IpAddress& address) noexcept;

}  // namespace portcullis

template <>
struct std::hash<portcullis::IpAddress> {
  std::size_t operator()(const portcullis::IpAddress& address) const noexcept {
    return std::hash<std::string_view>{}(address.octets());
  }
};

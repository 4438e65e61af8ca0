#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.hpp"
#include "detect/tokenizers.hpp"

namespace portcullis::detect {
namespace {

constexpr std::size_t kLongestAuthority = 256;

struct Ipv4 {
  std::uint32_t address = 0;
  bool usual = true;  ///< written as four decimal numbers
};

/// What inet_aton of the C library reads: one to four parts, each decimal, octal or hexadecimal.
std::optional<Ipv4> read_ipv4(std::string_view host) {
  Ipv4 out;
  std::uint32_t parts[4]{};
  std::size_t count = 0;
  while (count < 4) {
    const std::size_t dot = host.find('.');
    std::string_view part = host.substr(0, dot);
    if (part.empty() || part.size() > 16) return std::nullopt;
    unsigned base = 10;
    if (part.size() > 1 && part[0] == '0') {
      out.usual = false;
      base = (part[1] | 32) == 'x' ? 16 : 8;
      part.remove_prefix(base == 16 ? 2 : 1);
    }
    std::uint64_t value = 0;
    for (const char c : part) {
      const char l = text::lower(c);
      const unsigned digit = text::is_digit(l)      ? static_cast<unsigned>(l - '0')
                             : l >= 'a' && l <= 'f' ? static_cast<unsigned>(l - 'a' + 10)
                                                    : 99U;
      if (digit >= base) return std::nullopt;
      value = value * base + digit;
      if (value > 0xffffffffU) return std::nullopt;
    }
    parts[count++] = static_cast<std::uint32_t>(value);
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
    if (count == 4) return std::nullopt;
  }
  if (count != 4) out.usual = false;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (parts[i] > 255) return std::nullopt;
    out.address |= parts[i] << (24 - 8 * i);
  }
  out.address |= parts[count - 1];
  return out;
}

bool is_internal(std::uint32_t a) noexcept {
  return (a >> 24) == 127 || (a >> 24) == 10 || (a >> 24) == 0 || (a >> 20) == 0xac1 ||
         (a >> 16) == 0xc0a8 || (a >> 16) == 0xa9fe || (a >> 22) == (0x64400000U >> 22) ||
         a == 0xffffffffU;
}

bool is_metadata(std::uint32_t a) noexcept {
  return a == 0xa9fea9feU || a == 0x646464c8U || a == 0xc00000c0U || a == 0xa9feaa02U;
}

bool ends_with_label(std::string_view host, std::string_view suffix) noexcept {
  if (host.size() < suffix.size()) return false;
  const auto tail = host.substr(host.size() - suffix.size());
  return text::iequals(tail, suffix) &&
         (host.size() == suffix.size() || host[host.size() - suffix.size() - 1] == '.');
}

bool is_one_of(std::string_view host, std::span<const std::string_view> names) noexcept {
  return std::ranges::any_of(names, [&](auto name) { return ends_with_label(host, name); });
}

constexpr std::array<std::string_view, 6> kMetadataNames{
    "metadata.google.internal", "metadata",           "instance-data", "rancher-metadata",
    "metadata.tencentyun.com",  "metadata.packet.net"};
/// Public names that resolve to loopback or to an address inside of the name.
constexpr std::array<std::string_view, 10> kDisguisingNames{
    "nip.io",  "xip.io",        "sslip.io",   "localtest.me",     "lvh.me",
    "vcap.me", "lacolhost.com", "localho.st", "127-0-0-1.org.uk", "bugbounty.dod.network"};
constexpr std::array<std::string_view, 4> kLocalNames{"localhost", "localdomain",
                                                      "host.docker.internal", "svc.cluster.local"};

struct Host {
  bool internal = false;
  bool metadata = false;
  bool disguised = false;
};

Host judge_host(std::string_view authority) {
  Host out;
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto user = authority.substr(0, at);
    out.disguised |=
        user.find('@') != std::string_view::npos || user.find('\\') != std::string_view::npos;
    const Host shown = judge_host(user);
    out.internal |= shown.internal;
    out.metadata |= shown.metadata;
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    const auto inner = authority.substr(1, authority.find(']') - 1);
    const bool embeds = inner.find('.') != std::string_view::npos ||
                        text::istarts_with(inner, "::ffff") ||
                        text::istarts_with(inner, "0:0:0:0:0:ffff");
    out.internal |= inner == "::1" || inner == "::" || text::istarts_with(inner, "fe80") ||
                    text::istarts_with(inner, "fd") || text::istarts_with(inner, "0000") ||
                    inner == "0:0:0:0:0:0:0:1";
    out.disguised |= embeds || inner == "::" || text::istarts_with(inner, "0000");
    out.metadata |= text::iequals(inner, "fd00:ec2::254");
    return out;
  }
  std::string_view host = authority.substr(0, authority.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  for (std::size_t i = 0; i + 1 < host.size(); ++i) {  // enclosed letters and digits, U+24xx
    const auto a = static_cast<unsigned char>(host[i]);
    const auto b = static_cast<unsigned char>(host[i + 1]);
    if (a == 0xe2 && (b == 0x91 || b == 0x92 || b == 0x93)) out.disguised = true;
  }
  if (const auto address = read_ipv4(host)) {
    out.internal |= is_internal(address->address);
    out.metadata |= is_metadata(address->address);
    out.disguised |= !address->usual && (is_internal(address->address) || host.size() > 3);
    return out;
  }
  out.metadata |= is_one_of(host, kMetadataNames);
  out.disguised |= is_one_of(host, kDisguisingNames);
  out.internal |= is_one_of(host, kLocalNames);
  return out;
}

}  // namespace

void judge_urls(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  if (!marks.any(Marks::slash) || !marks.any(Marks::colon)) return;
  const bool alone = text::trim(text).find_first_of(" \t\n") == std::string_view::npos;
  for (std::size_t at = text.find("://"); at != std::string_view::npos;
       at = text.find("://", at + 3)) {
    const auto rest = text.substr(at + 3, kLongestAuthority);
    const auto authority = rest.substr(0, rest.find_first_of("/?# \t\r\n\"'<>`),;|"));
    if (!budget.spend(authority.size() + 4)) return;
    if (authority.empty()) continue;
    const Host host = judge_host(authority);
    if (host.disguised) out.add(Signal::url_disguised);
    if (host.metadata) out.add(Signal::url_metadata);
    if (host.internal) out.add(alone ? Signal::url_internal_alone : Signal::url_internal);
  }
}

}  // namespace portcullis::detect

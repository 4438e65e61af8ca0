// Hosts, origins, patterns and addresses as text: one value, one meaning.
#include <string>

#include "base/address.hpp"
#include "base/origin.hpp"
#include "base/text.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using namespace portcullis;  // NOLINT(google-build-using-namespace)
using fuzz::require;

bool is_host_char(char c) {
  return text::is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
}

void check_host(const std::string& host) {
  require(is_valid_host(host), "the host is a valid one");
  require(!host.empty() && host.size() <= 253, "a host has 1 to 253 characters");
  if (host.front() == '[') {
    require(host.back() == ']' && IpAddress::parse(host.substr(1, host.size() - 2)).has_value(),
            "brackets hold an address");
    return;
  }
  for (const char c : host) require(is_host_char(c), "a name has letters, digits, - and . only");
  require(!host.starts_with('.') && !host.ends_with('.') && host.find("..") == std::string::npos,
          "no label is empty");
}

void check_origin(const Origin& origin, std::string_view text) {
  check_host(origin.host);
  require(origin.scheme == "http" || origin.scheme == "https", "http or https");
  require(origin.port != 0, "a port");
  require(Origin::parse(origin.text()) == origin, "an origin can be read back");
  require(Origin::of_url(origin.text() + "/path?q#f") == origin, "a URL has its origin");
  require(text::to_lower(text).starts_with(origin.scheme + "://" + origin.host),
          "an origin is what is written");
  const auto exact = OriginPattern::parse(origin.text());
  require(exact && exact->matches(origin) && !exact->has_wildcard(), "an origin matches itself");
  const auto below = OriginPattern::parse(origin.scheme + "://*." + origin.host);
  require(!below || !below->matches(origin), "a wildcard does not match what it stands below");
  require(same_site_hosts(origin.host, origin.host), "a host is of one site with itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1024) return 0;
  const auto input = fuzz::text_of(data, size);
  if (const auto origin = Origin::parse(input)) {
    check_origin(*origin, input);
    require(Origin::of_url(input) == origin, "an origin is a URL");
  }
  if (const auto origin = Origin::of_url(input)) check_origin(*origin, input);
  if (const auto host = HostPort::parse(input)) {
    check_host(host->host);
    require(!host->port || *host->port != 0, "a port is never 0");
    require(text::to_lower(input).starts_with(host->host), "a host is what is written");
  }
  if (const auto pattern = OriginPattern::parse(input)) {
    const auto again = OriginPattern::parse(pattern->text());
    require(again && again->text() == pattern->text(), "a pattern can be read back");
    require(pattern->is_any() ||
                pattern->matches_host("a." + pattern->host()) == pattern->has_wildcard(),
            "a wildcard stands for hosts below, and nothing else does");
    if (!pattern->is_any()) check_host(pattern->host());
  }
  if (const auto address = IpAddress::parse(input)) {
    require(input.find('\0') == std::string_view::npos, "an address is the whole text");
    require(IpAddress::parse(address->text()) == address, "an address can be read back");
    require(address->network().network() == address->network(), "a network is its own network");
    require(!address->is_loopback() || address->is_private(), "loopback is private");
  }
  if (const auto block = Cidr::parse(input)) {
    const auto again = Cidr::parse(block->text());
    require(again.has_value() && again->text() == block->text(), "a block can be read back");
    const auto base = IpAddress::parse(input.substr(0, input.find('/')));
    require(base && block->contains(*base), "a block contains its address");
  }
  return 0;
}

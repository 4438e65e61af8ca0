#include "base/origin.hpp"

#include <algorithm>

#include "base/address.hpp"
#include "base/text.hpp"

namespace portcullis {
namespace {

bool is_valid_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
    return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return text::is_alnum(c) || c == '-'; });
}

bool lies_under(std::string_view host, std::string_view parent) {
  return host.size() > parent.size() + 1 && host.ends_with(parent) &&
         host[host.size() - parent.size() - 1] == '.';
}

/// Splits "scheme://rest"; nullopt for anything but http and https.
std::optional<std::pair<std::string, std::string_view>> split_scheme(std::string_view text) {
  const auto at = text.find("://");
  if (at == std::string_view::npos) return std::nullopt;
  std::string scheme = text::to_lower(text.substr(0, at));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  return std::pair{std::move(scheme), text.substr(at + 3)};
}

std::optional<Origin> make_origin(std::string scheme, std::string_view authority) {
  auto host = HostPort::parse(authority);
  if (!host) return std::nullopt;
  const std::uint16_t port = host->port.value_or(default_port(scheme));
  return Origin{std::move(scheme), std::move(host->host), port};
}

}  // namespace

bool is_valid_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  if (host.front() == '[') {
    const auto inner = host.substr(1, host.size() - 2);
    return host.back() == ']' && inner.find(':') != std::string_view::npos &&
           IpAddress::parse(inner).has_value();
  }
  if (host.find(':') != std::string_view::npos) return false;  // IPv6 comes in brackets
  // Only what ends in a digit can be an IPv4 address.
  if (text::is_digit(host.back()) && IpAddress::parse(host)) return true;
  std::string_view last;
  std::string_view rest = host;
  while (true) {
    const auto dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_valid_label(last)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return !std::all_of(last.begin(), last.end(), text::is_digit);
}

std::optional<HostPort> HostPort::parse(std::string_view text) {
  HostPort out;
  std::string_view host = text;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = text::parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    out.port = port;
    host = text.substr(0, colon);
  }
  out.host = text::to_lower(host);
  if (!is_valid_host(out.host)) return std::nullopt;
  return out;
}

std::uint16_t default_port(std::string_view scheme) noexcept {
  return scheme == "https" ? 443 : 80;
}

std::optional<Origin> Origin::parse(std::string_view text) {
  auto parts = split_scheme(text);
  if (!parts) return std::nullopt;
  return make_origin(std::move(parts->first), parts->second);
}

std::optional<Origin> Origin::of_url(std::string_view url) {
  auto parts = split_scheme(url);
  if (!parts) return std::nullopt;
  return make_origin(std::move(parts->first),
                     parts->second.substr(0, parts->second.find_first_of("/?#")));
}

std::string Origin::text() const {
  std::string out;
  out.reserve(scheme.size() + host.size() + 9);
  out += scheme;
  out += "://";
  out += host;
  if (port != default_port(scheme)) {
    out += ':';
    text::append_number(out, port);
  }
  return out;
}

std::string_view Origin::host_in(std::string_view canonical) noexcept {
  const auto start = canonical.find("://");
  if (start == std::string_view::npos) return {};
  const auto authority = canonical.substr(start + 3);
  const auto colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  return authority.substr(0, colon);
}

std::optional<OriginPattern> OriginPattern::parse(std::string_view text) {
  OriginPattern out;
  text = text::trim(text);
  if (text == "*") {
    out.any_ = true;
    return out;
  }
  if (text.ends_with('/')) text.remove_suffix(1);  // a common slip in lists; it means the same
  auto parts = split_scheme(text);
  if (!parts) return std::nullopt;
  std::string_view authority = parts->second;
  if (authority.starts_with("*.")) {
    out.wildcard_ = true;
    authority.remove_prefix(2);
  }
  auto origin = make_origin(std::move(parts->first), authority);
  if (!origin) return std::nullopt;
  out.origin_ = *std::move(origin);
  return out;
}

bool OriginPattern::matches(const Origin& origin) const noexcept {
  if (any_) return true;
  return origin.scheme == origin_.scheme && origin.port == origin_.port &&
         matches_host(origin.host);
}

bool OriginPattern::matches_host(std::string_view host) const noexcept {
  if (any_) return true;
  return wildcard_ ? lies_under(host, origin_.host) : host == origin_.host;
}

std::string OriginPattern::text() const {
  if (any_) return "*";
  if (!wildcard_) return origin_.text();
  Origin shown = origin_;
  shown.host.insert(0, "*.");
  return shown.text();
}

bool is_loopback_host(std::string_view host) noexcept {
  if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]") return true;
  if (host.empty() || !text::is_digit(host.back())) return false;
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

bool same_site_hosts(std::string_view a, std::string_view b) noexcept {
  return a == b || lies_under(a, b) || lies_under(b, a) ||
         (is_loopback_host(a) && is_loopback_host(b));
}

}  // namespace portcullis

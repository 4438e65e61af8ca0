#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis {

/// A DNS name, IP address or `localhost` as it stands in a URL: lower case, no port.
/// Names: labels of 1 to 63 letters, digits and inner hyphens (underscores are refused), at most
/// 253 characters, no empty label, last label not numeric. IPv6 in brackets. Unicode names must
/// come in their A-label form (xn--…), as browsers send them.
bool is_valid_host(std::string_view host);

/// `host` and optional port as in a Host header or URL authority.
struct HostPort {
  std::string host;  ///< lower case; IPv6 keeps its brackets
  std::optional<std::uint16_t> port;
  static std::optional<HostPort> parse(std::string_view text);
};

/// A web origin: scheme, host and port (RFC 6454). Compared exactly; never `null`.
struct Origin {
  std::string scheme;  ///< http or https
  std::string host;
  std::uint16_t port = 0;

  /// The serialisation that browsers send: no path, no user, no trailing slash.
  static std::optional<Origin> parse(std::string_view text);
  /// The origin of an absolute URL such as a Referer.
  static std::optional<Origin> of_url(std::string_view url);
  std::string text() const;
  /// The host inside an origin in the form of text(); empty for anything else.
  static std::string_view host_in(std::string_view canonical) noexcept;
  auto operator<=>(const Origin&) const = default;
};

/// An allowed origin, or a family of them: `https://*.example.com` stands for every host below
/// example.com (one or more labels), and `*` for every origin (never in production).
class OriginPattern {
 public:
  static std::optional<OriginPattern> parse(std::string_view text);
  bool matches(const Origin& origin) const noexcept;
  bool is_any() const noexcept { return any_; }
  bool has_wildcard() const noexcept { return any_ || wildcard_; }
  /// The host part without the wildcard label.
  const std::string& host() const noexcept { return origin_.host; }
  bool matches_host(std::string_view host) const noexcept;
  std::string text() const;

 private:
  Origin origin_;
  bool wildcard_ = false;
  bool any_ = false;
};

/// RFC 9110 default port of http and https.
std::uint16_t default_port(std::string_view scheme) noexcept;

/// True where one host lies under the other or both are loopback: what same-site means without a
/// public suffix list.
bool same_site_hosts(std::string_view a, std::string_view b) noexcept;
bool is_loopback_host(std::string_view host) noexcept;

}  // namespace portcullis

#include "routes/proxy/forwarding.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/siphash.hpp"
#include "base/text.hpp"
#include "coding/content_coding.hpp"
#include "http/fields.hpp"
#include "pipeline/route.hpp"
#include "routes/auth/auth_routes.hpp"

namespace portcullis::routes {
namespace {

/// Of this connection alone, whatever `Connection` names beside them (RFC 9110 section 7.6.1).
constexpr std::array<std::string_view, 9> kOfConnection = {
    "connection",        "keep-alive",         "proxy-connection",   "te", "trailer", "upgrade",
    "transfer-encoding", "proxy-authenticate", "proxy-authorization"};

/// What the gateway alone says to a service: `x-forwarded-…` and `x-portcullis-…` beside these. A
/// caller's traces are no one's who could be trusted with them.
constexpr std::array<std::string_view, 9> kSaidByGateway = {
    "host",         "content-length", "expect",     "forwarded",    "x-real-ip",
    "x-request-id", "traceparent",    "tracestate", "x-location-id"};

/// What services, and what stands before them, take for the address of a caller, or for another
/// path or method than the one that was judged.
constexpr std::array<std::string_view, 12> kOverriding = {
    "true-client-ip",   "cf-connecting-ip", "x-client-ip",       "x-cluster-client-ip",
    "fastly-client-ip", "x-original-url",   "x-original-host",   "x-rewrite-url",
    "x-host",           "x-http-method",    "x-method-override", "x-http-method-override"};

/// What was said of bytes that do not go on as they came (RFC 9530, RFC 3230, RFC 1864).
constexpr std::array<std::string_view, 4> kOfPackedBytes = {"content-digest", "repr-digest",
                                                            "digest", "content-md5"};
/// What would make an answer one that cannot be looked into: packed, or a part that begins or ends
/// in the middle of something.
constexpr std::array<std::string_view, 5> kOfAnswersForm = {"accept-encoding", "range", "if-range",
                                                            "a-im", "want-content-digest"};

/// What the gateway says to clients, and what would tell them more than they need.
constexpr std::array<std::string_view, 8> kNotToClients = {
    "content-length", "date",    "server",           "x-powered-by",
    "x-request-id",   "alt-svc", "x-aspnet-version", "via"};

/// What the gateway's own rules decide, where they are on.
constexpr std::array<std::string_view, 11> kSecurityFields = {"x-content-type-options",
                                                              "x-frame-options",
                                                              "x-xss-protection",
                                                              "referrer-policy",
                                                              "permissions-policy",
                                                              "cross-origin-embedder-policy",
                                                              "cross-origin-opener-policy",
                                                              "cross-origin-resource-policy",
                                                              "content-security-policy",
                                                              "strict-transport-security",
                                                              "public-key-pins"};

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names, [&](auto one) { return text::iequals(one, name); });
}

void add(std::string& out, std::string_view name, std::string_view value) {
  ((out += name) += ": ") += value;
  out += "\r\n";
}

/// Whether a value of `Connection` names the field.
bool names_field(std::string_view connection, std::string_view name) {
  return std::ranges::any_of(text::split_list(connection, ','),
                             [&](auto token) { return text::iequals(token, name); });
}

/// Who is calling, as far as the gateway knows: the service believes it instead of asking again.
void add_caller(std::string& out, const http::Exchange& exchange) {
  const auto& principal = exchange.principal;
  add(out, "X-Portcullis-Site", exchange.site->id);
  if (!principal.is_verified() || !exchange.route->access.needed) return;
  const bool is_user = principal.kind == http::Principal::Kind::user;
  add(out, is_user ? "X-Portcullis-User" : "X-Portcullis-Key", principal.id);
  std::string roles;
  for (const auto& grant : principal.grants) {
    if (grant.site != http::kEverySite && grant.site != exchange.site->id) continue;
    if (!roles.empty()) roles += ',';
    roles += name_of(grant.role);
  }
  add(out, "X-Portcullis-Roles", roles);
}

/// Whose the request is, for the service: the visitor's address, and how he reached the gateway.
void add_forwarded(std::string& out, const http::Exchange& exchange) {
  const std::string address = exchange.client.address.text();
  const std::string_view scheme = exchange.client.https ? "https" : "http";
  const auto host = exchange.head().get("host");
  add(out, "X-Forwarded-For", address);
  add(out, "X-Forwarded-Proto", scheme);
  add(out, "X-Forwarded-Host", host);
  const bool v6 = address.find(':') != std::string::npos;
  std::string forwarded = "for=";
  forwarded += v6 ? "\"[" + address + "]\"" : address;
  (forwarded += ";proto=") += scheme;
  // What would need escapes is no name of a host.
  if (host.find_first_of("\"\\") == std::string_view::npos) {
    ((forwarded += ";host=\"") += host) += '"';
  }
  add(out, "Forwarded", forwarded);
}

/// Meant for the gateway, unless it looks at none on this route.
constexpr std::array<std::string_view, 3> kCredentials = {"authorization", "x-api-key", "dpop"};

}  // namespace

std::optional<std::string_view> path_fault(std::string_view path) noexcept {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' || path[i] == ';') return "a backslash or semicolon";
    if (path[i] != '%') continue;
    const auto code = text::percent_decode(path.substr(i, 3));
    if (!code || code->size() != 1) return "an escape that is none";
    const char c = code->front();
    if (text::is_alnum(c) || std::string_view("-_.~").contains(c)) return "a needless escape";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
        std::string_view("/\\?#;%").contains(c)) {
      return "an escaped separator or control";
    }
  }
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const auto segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") return "a dot segment";
    if (segment.empty() && !rest.empty()) return "an empty segment";
    // Some services cut it off.
    if (segment.starts_with("%20") || segment.ends_with("%20")) return "space at an end";
    if (segment.ends_with('.')) return "a dot at an end";
    rest.remove_prefix(segment.size());
  }
  return std::nullopt;
}

std::string path_on(std::string_view target_path, std::string_view rewrite,
                    const http::Exchange& exchange) {
  std::string out(target_path);
  if (out.ends_with('/')) out.pop_back();
  out += rewrite;
  return out += exchange.head().path().substr(exchange.route->path.size());
}

bool may_have_body(http::Method method) noexcept {
  return method == http::Method::post || method == http::Method::put ||
         method == http::Method::patch;
}

std::uint64_t caller_number(const http::Exchange& exchange) {
  const auto& principal = exchange.principal;
  if (principal.is_verified()) return siphash128(principal.id, {3, 4})[0];
  const IpAddress network = exchange.client.address.network();
  return siphash128(network.octets(), {3, 4})[0];
}

http::HeaderBlock fields_of(const config::Settings& settings, std::string_view service) {
  const auto at = std::ranges::find(settings.services, service, &config::ServiceSettings::id);
  http::HeaderBlock out;
  for (const auto& field : at->headers) {
    const auto colon = field.find(':');
    out.add(field.substr(0, colon), text::trim(std::string_view(field).substr(colon + 1)));
  }
  return out;
}

Forwarding::Forwarding(const config::Settings& settings)
    : session_cookie_(settings.cookie_name),
      client_address_header_(settings.client_address_header),
      security_headers_(settings.security_headers) {}

std::string Forwarding::request_head(const http::Exchange& exchange, std::string_view path,
                                     std::string_view host, const http::HeaderBlock& own_fields,
                                     Answer answer) const {
  const auto& head = exchange.head();
  std::string out;
  out.reserve(1024);
  ((out += head.method_text()) += ' ') += path;
  const auto& token = exchange.route->token_parameter;
  const std::string query =
      token.empty() ? std::string(head.query()) : http::without_parameter(head.query(), token);
  if (!query.empty()) (out += '?') += query;
  out += " HTTP/1.1\r\n";
  add(out, "Host", host);
  const bool unpacked =
      exchange.plain_body && coding::content_coding_of(head.get("content-encoding"));
  const bool passes_credentials = exchange.route->mode_of("credentials") == config::Mode::off;
  const auto goes_on = [&](std::string_view name) {
    if (has(kOfConnection, name) || has(kSaidByGateway, name) || has(kOverriding, name))
      return false;
    if (answer == Answer::readable && has(kOfAnswersForm, name)) return false;
    // Many services read "_" as "-", and so one name as another.
    if (name.find('_') != std::string_view::npos || own_fields.contains(name)) return false;
    if (text::istarts_with(name, "x-forwarded-") || text::istarts_with(name, "x-portcullis-")) {
      return false;
    }
    if (text::iequals(name, client_address_header_) || text::iequals(name, "cookie")) return false;
    if (has(kCredentials, name) && !passes_credentials) return false;
    if (exchange.plain_body && text::iequals(name, "content-encoding")) return false;
    if (unpacked && has(kOfPackedBytes, name)) return false;
    // What has been judged cannot be named away.
    if (text::istarts_with(name, "content-")) return true;
    // The gateway opens a WebSocket of its own there.
    if (exchange.route->websocket && text::istarts_with(name, "sec-websocket-")) return false;
    bool is_named = false;
    head.for_each("connection", [&](auto value) { is_named |= names_field(value, name); });
    return !is_named;
  };
  head.for_each([&](std::string_view name, std::string_view value) {
    if (goes_on(name)) add(out, name, value);
  });
  // Without a look at where a request comes from, a cookie may be sent by a page of anybody.
  const bool takes_cookies = exchange.route->kind != pipeline::RouteKind::token;
  if (takes_cookies && !own_fields.contains("cookie")) add_cookies(out, exchange);
  add_forwarded(out, exchange);
  add_caller(out, exchange);
  add(out, "X-Request-ID", exchange.request_id.view());
  if (answer == Answer::readable && !own_fields.contains("accept-encoding")) {
    add(out, "Accept-Encoding", "identity");
  }
  out += own_fields.text();
  return out;
}

/// All but those that are credentials of the gateway's.
void Forwarding::add_cookies(std::string& out, const http::Exchange& exchange) const {
  std::string cookies;
  exchange.head().for_each("cookie", [&](std::string_view value) {
    for (const auto pair : text::split_list(value, ';')) {
      const auto name = text::trim(pair.substr(0, pair.find('=')));
      if (name == session_cookie_ || name == kRefreshCookie) continue;
      if (!cookies.empty()) cookies += "; ";
      cookies += pair;
    }
  });
  if (!cookies.empty()) add(out, "Cookie", cookies);
}

http::HeaderBlock Forwarding::answer_fields(const http::ResponseHeadView& head) const {
  http::HeaderBlock out;
  std::string connection;
  head.fields.for_each([&](std::string_view name, std::string_view value) {
    if (text::iequals(name, "connection")) (connection += value) += ',';
  });
  const auto goes_on = [&](std::string_view name, std::string_view value) {
    if (has(kOfConnection, name) || has(kNotToClients, name)) return false;
    if (security_headers_ && has(kSecurityFields, name)) return false;
    if (text::istarts_with(name, "access-control-") || text::istarts_with(name, "x-ratelimit-")) {
      return false;
    }
    if (text::iequals(name, "set-cookie")) {
      const auto cookie = text::trim(value.substr(0, value.find('=')));
      return cookie != session_cookie_ && cookie != kRefreshCookie;
    }
    return !names_field(connection, name);
  };
  head.fields.for_each([&](std::string_view name, std::string_view value) {
    if (goes_on(name, value)) out.add(name, value);
  });
  return out;
}

}  // namespace portcullis::routes

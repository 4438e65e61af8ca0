#include "identity/session_cookie.hpp"

#include "base/origin.hpp"
#include "identity/dpop.hpp"

namespace portcullis::identity {

bool is_cross_site(const http::Exchange& exchange) {
  const auto told = exchange.head().get("sec-fetch-site");
  if (!told.empty()) return told == "cross-site";
  if (!exchange.origin) return false;
  const auto host = HostPort::parse(exchange.head().get("host"));
  return !host || !same_site_hosts(exchange.origin->host, host->host);
}

std::string session_cookie(const config::Settings& settings, const http::Exchange& exchange,
                           std::string_view token, Seconds max_age) {
  const bool https = exchange.client.https;
  std::string out = settings.cookie_name + "=";
  out += token;
  out += "; Max-Age=" + std::to_string(max_age.count()) + "; Path=/; HttpOnly";
  if (https) out += "; Secure";
  out += https && is_cross_site(exchange) ? "; SameSite=None; Partitioned" : "; SameSite=Lax";
  return out;
}

http::HeaderBlock fresh_token_header(const config::Settings& settings,
                                     const http::Exchange& exchange,
                                     const http::SessionClaims& session, std::string_view token) {
  http::HeaderBlock out;
  if (session.bearer) {
    out.add(kFreshTokenHeader, token);
  } else {
    out.add("Set-Cookie", session_cookie(settings, exchange, token, settings.cookie_max_age));
  }
  if (session.proof_key) out.add(kTokenHashHeader, dpop_token_hash(token));
  return out;
}

}  // namespace portcullis::identity

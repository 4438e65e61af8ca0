#pragma once
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "http/exchange.hpp"

namespace portcullis::identity {

/// The answer's header by which a session that is presented in `Authorization` gets a fresh token.
inline constexpr std::string_view kFreshTokenHeader = "X-Session-Token";

/// The answer's header that tells the hash of a token that is bound to a key: a cookie cannot be
/// read by the page, whose proofs must name it.
inline constexpr std::string_view kTokenHashHeader = "X-Session-Token-Hash";

/// Whether a call came from another site than ours, as far as the browser tells.
bool is_cross_site(const http::Exchange& exchange);

/// The value of Set-Cookie. HttpOnly, `SameSite=Lax`, Secure over https; for a cross-site call over
/// https `SameSite=None; Secure; Partitioned`.
std::string session_cookie(const config::Settings& settings, const http::Exchange& exchange,
                           std::string_view token, Seconds max_age);

/// How a further token of a session travels: as the first one did.
http::HeaderBlock fresh_token_header(const config::Settings& settings,
                                     const http::Exchange& exchange,
                                     const http::SessionClaims& session, std::string_view token);

}  // namespace portcullis::identity

#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/digest.hpp"
#include "http/principal.hpp"
#include "http/problem.hpp"
#include "identity/jwt_fault.hpp"
#include "state/store.hpp"

namespace portcullis::identity {

/// What a proof of possession says once it verifies: a JWT that a client signs for one request with
/// a key of its own, which comes along. Whose key that is, is for the thumbprint to tell.
struct DpopProof {
  crypto::Sha256 thumbprint{};  ///< of the key (RFC 7638)
  std::string id;               ///< `jti`
  std::string token_hash;       ///< `ath`; empty where there is none
};

/// How far `iat` may lie from now. Who may have it in the future has a clock that is ahead.
inline constexpr Seconds kDpopPast{60};
inline constexpr Seconds kDpopFuture{30};
inline constexpr std::size_t kMaxDpopBytes = 4096;

/// Verifies a proof for a request with this method, which came under one of `urls`: scheme, host,
/// port and path, as canonical_url() has them. That it has not been used before is for the store to
/// say (dpop_charge).
///
/// Threads: any.
/// Errors:  any JwtFault. Only ES256 by a public key on P-256, `typ` exactly dpop+jwt.
/// Bounds:  kMaxDpopBytes; `jti` 128 bytes.
/// Cost:    about 100 us: the key is new each time, and a point is checked to be on its curve.
/// Source:  RFC 9449 sections 4.2 and 4.3.
JwtResult<DpopProof> verify_dpop(std::string_view proof, std::string_view method,
                                 std::span<const std::string> urls, WallTime now);

/// Origin in the form of Origin::text(), and path; query and fragment are left out (RFC 9449
/// section 4.3). nullopt for what is no http or https URL.
std::optional<std::string> canonical_url(std::string_view url);

/// What `ath` must be of a token: its SHA-256 in base64url.
std::string dpop_token_hash(std::string_view token);

/// A window for a proof by which it serves once, within the windows that a request is charged to
/// anyway. With `session` it lies beside that.
state::Charge dpop_charge(const http::KeyProof& proof, const http::SessionClaims* session);
/// Whether that window was what refused.
bool is_dpop_replay(const state::AdmitRequest& request, const state::AdmitAnswer& answer) noexcept;

/// The refusal of a proof, or of none, with the gateway's time: clocks of visitors are often wrong.
http::Problem dpop_problem(http::Code code, WallTime now);

}  // namespace portcullis::identity

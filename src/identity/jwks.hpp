#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "identity/jwt_keys.hpp"

namespace portcullis::identity {

/// What was found in a JWK Set.
struct Jwks {
  struct Skipped {
    std::size_t index = 0;  ///< in the set, from 0
    std::string reason;     ///< for the log
  };
  std::vector<JwtKey> keys;  ///< verifying only; may be empty
  std::vector<Skipped> skipped;
};

/// Reads the public keys by which an issuer's tokens verify. A key of no use here (another
/// algorithm or curve, `use` other than sig, a secret, too weak) is skipped with its reason, as
/// others of the set may do. Private members are not looked at.
///
/// Threads: any.
/// Errors:  too_large; malformed where it is no JWK Set at all.
/// Bounds:  64 KiB, JwtKeys::kMaxKeys keys.
/// Cost:    some tens of microseconds a key: points are checked to be on their curve.
/// Source:  RFC 7517 sections 4 and 5, RFC 7518 section 6, OpenID Connect Core section 10.1.
Result<Jwks> parse_jwks(std::string_view text);

/// Reads a key that somebody sends along. As one of a set, and without anything private: who shows
/// that has no secret.
///
/// Errors: invalid_input.
Result<crypto::JwsKey> read_public_key(const boost::json::object& key);

}  // namespace portcullis::identity

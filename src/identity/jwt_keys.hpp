#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "crypto/jws_key.hpp"
#include "identity/jose_header.hpp"
#include "identity/jwt_fault.hpp"

namespace portcullis::identity {

/// A key and the name that tokens call it by.
struct JwtKey {
  std::string id;  ///< `kid`; empty: tried for every token of its algorithm, whatever that names
  crypto::JwsKey key;

  /// Named by what follows from the key (crypto::JwsKey::id).
  static Result<JwtKey> from_secret(std::string_view secret);
  static Result<JwtKey> from_pem(std::string_view pem);
};

/// The keys of one use of tokens: the first signs, all verify, so that keys can be changed while
/// tokens of the old ones live.
///
/// Each key serves one algorithm, that of its kind, whatever a token says: a public RSA key is
/// never taken for a secret (RFC 8725 section 3.1).
///
/// Threads: immutable; safe from any.
/// Errors:  the makers: invalid_input. verify(): unknown_key, confused_algorithm, bad_signature.
/// Cost:    that of crypto::JwsKey; a token that names no key is tried with kMaxTries at most.
class JwtKeys {
 public:
  static constexpr std::size_t kMaxKeys = 32;
  static constexpr std::size_t kMaxTries = 4;

  /// Refuses none, too many, and two of the same name and algorithm.
  static Result<JwtKeys> make(std::vector<JwtKey> keys);
  /// HS256.
  static Result<JwtKeys> from_secrets(const std::vector<std::string>& secrets);

  bool can_sign() const noexcept { return keys_.front().key.can_sign(); }
  /// A compact JWS by the first key. `type` becomes `typ`. REQUIRES: can_sign().
  std::string sign(std::string_view type, std::string_view claims) const;

  JwtResult<void> verify(const CompactJws& jws) const;

 private:
  explicit JwtKeys(std::vector<JwtKey> keys) : keys_(std::move(keys)) {}

  std::vector<JwtKey> keys_;  ///< never empty
};

}  // namespace portcullis::identity

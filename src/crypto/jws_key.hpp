#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "crypto/digest.hpp"
#include "crypto/key_numbers.hpp"

namespace portcullis::crypto {

/// The signature algorithms of RFC 7518 section 3 that are used here, and no other.
enum class JwsAlgorithm : std::uint8_t { hs256, rs256, es256 };

std::string_view name_of(JwsAlgorithm algorithm) noexcept;
/// Exact: names are case-sensitive (RFC 7515 section 4.1.1).
std::optional<JwsAlgorithm> jws_algorithm(std::string_view name) noexcept;

/// A compact JWS (RFC 7515 section 3.1) of a JSON header and a payload, signed with HS256.
std::string sign_hs256(const HmacKey& key, std::string_view header, std::string_view payload);

/// A key for the signatures of JSON Web Signatures, for one algorithm (RFC 8725 section 3.1).
///
/// Threads:   immutable; safe from any. cjose counts the users of its keys without atomics, so each
///            is owned here alone and never retained; to sign and to verify it is only read, and
///            what OpenSSL keeps in an RSA key for later, it guards by a lock in the key.
/// Ownership: movable; holds secrets until it is destroyed.
/// Errors:    the makers refuse weak or inconsistent keys with invalid_input.
/// Cost:      to sign with HS256, RS256 (2048 bits) and ES256 about 1, 260 and 20 us; to verify 4,
///            20 and 65 us.
/// Source:    RFC 7515, RFC 7518 sections 3.2 to 3.4; signatures by cjose.
class JwsKey {
 public:
  static constexpr std::size_t kMinSecretBytes = 32;  ///< RFC 7518 section 3.2
  static constexpr std::size_t kMinRsaBits = 2048;    ///< RFC 7518 section 3.3
  static constexpr std::size_t kMaxRsaBits = 8192;    ///< a check costs by the square of it

  static Result<JwsKey> hmac(std::string_view secret);
  /// Verifies; and signs where the numbers of the private key are there.
  static Result<JwsKey> rsa(const RsaNumbers& numbers);
  static Result<JwsKey> ec(const EcNumbers& numbers);
  static Result<JwsKey> pem(std::string_view pem);

  JwsKey(JwsKey&&) noexcept;
  JwsKey& operator=(JwsKey&&) noexcept;
  ~JwsKey();

  JwsAlgorithm algorithm() const noexcept { return algorithm_; }
  bool can_sign() const noexcept { return can_sign_; }

  /// Of an RSA or EC key the SHA-256 of its public numbers (RFC 7638); of a secret there is none.
  const std::optional<Sha256>& thumbprint() const noexcept { return thumbprint_; }

  /// What names this key: 16 URL-safe characters that follow from it. Of an RSA or EC key the
  /// beginning of its thumbprint (RFC 7638); of a secret a key derived from it, which tells nothing
  /// about it.
  const std::string& id() const noexcept { return id_; }

  struct Header {
    std::string_view type;  ///< `typ`
    std::string_view key;   ///< `kid`
  };
  /// REQUIRES: can_sign().
  std::string sign(const Header& header, std::string_view payload) const;

  /// Whether the signature of a compact JWS is this key's. A signature of another length than the
  /// algorithm's is none.
  /// REQUIRES: three parts of base64url, and a JSON object as header that names this algorithm.
  bool verify(std::string_view compact) const;

 private:
  struct Native;
  JwsKey(JwsAlgorithm algorithm, std::unique_ptr<Native> native, std::string id, bool can_sign,
         std::size_t signature_bytes);
  JwsKey(JwsAlgorithm algorithm, std::unique_ptr<Native> native, const Sha256& thumbprint,
         bool can_sign, std::size_t signature_bytes);
  /// The key, where what it signs verifies by its public half.
  static Result<JwsKey> proven(JwsKey key, Result<JwsKey> public_half);
  /// Empty where the numbers of the key do not let it sign.
  std::string try_sign(const Header& header, std::string_view payload) const;

  JwsAlgorithm algorithm_;
  std::unique_ptr<Native> native_;
  std::optional<HmacKey> hmac_;
  std::optional<Sha256> thumbprint_;
  std::string id_;
  bool can_sign_;
  std::size_t signature_chars_;
};

}  // namespace portcullis::crypto

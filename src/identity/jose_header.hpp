#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/jws_key.hpp"
#include "identity/jwt_fault.hpp"

namespace portcullis::identity {

/// What the header of a JWS says, as far as it matters here. Other members are ignored, but for
/// those that would change what is verified or how, which are refused.
struct JoseHeader {
  crypto::JwsAlgorithm algorithm = crypto::JwsAlgorithm::hs256;
  std::string key;   ///< `kid`; empty where there is none
  std::string type;  ///< `typ` in lower case and without "application/"; empty where there is none
  bool is_plain_type = true;               ///< `typ` was written in this very form
  std::optional<boost::json::object> jwk;  ///< the key that came along, where one may
};

/// A JWS whose form has been checked; its signature has not.
///
/// Ownership: `compact` is a view of the token that was read.
struct CompactJws {
  std::string_view compact;
  JoseHeader header;
  std::string payload;
};

/// What is thought of `x5t` and `x5t#S256`, the hash of a certificate. Some issuers send it beside
/// `kid`. It chooses no key here, so that nothing comes of it.
enum class Thumbprints : std::uint8_t { refused, ignored };

/// What is thought of a key that a token brings along (`jwk`). Who believes a token by it believes
/// anybody, unless he asks for nothing but that it is the same key each time.
enum class OwnKey : std::uint8_t { refused, taken };

struct JoseRules {
  Thumbprints thumbprints = Thumbprints::refused;
  OwnKey own_key = OwnKey::refused;
};

inline constexpr std::size_t kMaxJwtBytes = 8 * 1024;
inline constexpr std::size_t kMaxJoseHeaderBytes = 4 * 1024;
inline constexpr std::size_t kMaxKeyIdBytes = 128;

/// Whether this may stand in `kid`: at most 128 characters that no path, query or log line is made
/// of by accident: letters, digits and "-._~+/=:@". It is compared with the ids of keys in memory
/// and used for nothing else (RFC 8725 section 3.10).
bool is_key_id(std::string_view text) noexcept;

/// `typ` and media types in the form of JoseHeader::type (RFC 7515 section 4.1.9).
std::string jose_type(std::string_view type);

/// Reads a compact JWS strictly, before any library sees it: exactly three parts of canonical
/// base64url without padding, a header that is a JSON object without a member twice, an algorithm
/// of ours.
///
/// Threads: any.
/// Errors:  too_large, malformed, bad_header, wrong_algorithm, forbidden_header.
/// Bounds:  kMaxJwtBytes, kMaxJoseHeaderBytes.
/// Cost:    about 1 us.
/// Source:  RFC 7515 sections 3.1, 4.1 and 5.2, RFC 8725 sections 3.1 and 3.10.
JwtResult<CompactJws> read_compact_jws(std::string_view token, const JoseRules& rules = {});

}  // namespace portcullis::identity

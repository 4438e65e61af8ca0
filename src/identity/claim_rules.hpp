#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/json_body.hpp"
#include "identity/jwt_keys.hpp"

namespace portcullis::identity {

/// A claim that must be there and, where `value` is given, be this text.
struct RequiredClaim {
  std::string name;
  std::optional<std::string> value;
};

/// What one kind of tokens must say to be accepted. `iss`, `aud`, `sub`, `exp` and `iat` are always
/// required.
struct ClaimRules {
  std::string issuer;              ///< `iss`, letter for letter
  std::string audience;            ///< must be `aud` or one of it
  std::vector<std::string> types;  ///< as JoseHeader::type; "" lets tokens without `typ` pass
  std::vector<RequiredClaim> required;
  Seconds max_life{24 * 3600};     ///< from `iat` to `exp`
  std::optional<Seconds> max_age;  ///< from `iat` to now
  Seconds leeway{30};              ///< by how much the clocks of two machines may differ
  Thumbprints thumbprints = Thumbprints::refused;

  static constexpr Seconds kMaxLeeway{300};
  static constexpr Seconds kMaxLife{10 * 365 * 24 * 3600};

  /// Refuses rules that would accept everything or nothing: without issuer, audience or type, with
  /// a leeway over five minutes, a life of nothing or of more than ten years.
  Result<void> check() const;
};

/// What every accepted token says.
struct VerifiedJwt {
  std::string subject;
  std::string id;  ///< `jti`; empty where there is none
  WallTime issued;
  WallTime expires;
};

/// The one road of every JWT from outside: form, key, signature, type, claims, in this order, so
/// that nothing of a token is believed before its signature is known.
///
/// Threads:   any, on `keys` and `rules` that do not change.
/// Ownership: `claims` gets the object of claims and keeps it; a refusal may view `rules`.
/// Errors:    any JwtFault. Text claims are at most 256 bytes without control characters, dates
///            whole seconds of the years 1970 to 9999 (RFC 7519 section 2 would allow fractions).
/// Bounds:    claims 8 deep with 256 members in all.
/// Cost:      that of the key and about 2.5 us.
/// Source:    RFC 7519 sections 4.1 and 7.2, RFC 8725 section 3.
JwtResult<VerifiedJwt> verify_jwt(std::string_view token, const JwtKeys& keys,
                                  const ClaimRules& rules, WallTime now, http::JsonBody& claims);

// ---- for tokens that have rules of their own, once their signature holds

/// `claims` gets the object and keeps it.
JwtResult<const boost::json::object*> parse_claims(std::string_view payload,
                                                   http::JsonBody& claims);
/// A claim that must be there, as verify_jwt() takes texts and dates; the text is a view.
JwtResult<std::string_view> text_claim(const boost::json::object& claims, std::string_view name);
JwtResult<Seconds> time_claim(const boost::json::object& claims, std::string_view name);

/// Whether this may be a text claim: not empty, at most 256 bytes of UTF-8, no control characters.
bool is_claim_text(std::string_view text) noexcept;

}  // namespace portcullis::identity

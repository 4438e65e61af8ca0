#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "identity/accounts.hpp"
#include "identity/claim_rules.hpp"

namespace portcullis::identity {

/// What a user's token says.
struct UserClaims {
  std::string subject;
  std::vector<Grant> grants;     ///< of roles that this program knows
  std::string family;            ///< the login that it comes from; an access token may have none
  std::uint32_t generation = 0;  ///< how often the refresh tokens of a family have been changed
  std::string id;                ///< `jti`, 128 random bits
  WallTime issued;
  WallTime expires;
};

/// Issues and verifies the tokens of users: access tokens, which go with each request, and refresh
/// tokens, which are good for nothing but new tokens. Neither is accepted as the other: header and
/// claims name the use (`typ`: at+jwt and access, rt+jwt and refresh), and each has keys of its
/// own.
///
/// Nothing is kept here: whether a token has been revoked, a family ended or a generation used is
/// for a store to say, by id, family and generation.
///
/// Threads: immutable; safe from any.
/// Errors:  issue: invalid_input for what verify would refuse. verify: any JwtFault.
/// Bounds:  kMaxGrants; names of sites 64 bytes.
/// Cost:    to issue with HS256, RS256 and ES256 about 1.5, 260 and 23 us; to verify 6, 24 and 66.
/// Source:  RFC 7519, RFC 9068 section 2.1 (the type only), RFC 8725 section 3.11.
class UserTokens {
 public:
  struct Settings {
    std::string issuer = "portcullis";
    std::string audience = "portcullis";
    Seconds access_life{30 * 60};
    Seconds refresh_life{7 * 24 * 3600};
    Seconds max_access_life{kMaxAccessLife};  ///< what a caller may ask for, and what verifies
    Seconds max_refresh_life{30 * 24 * 3600};
  };
  enum class Use : std::uint8_t { access, refresh };

  /// Refuses keys that cannot sign, and lives that are over their bounds.
  static Result<UserTokens> make(const Settings& settings, JwtKeys access_keys,
                                 JwtKeys refresh_keys);

  struct Issued {
    std::string token;
    std::string id;
    WallTime expires;
  };
  /// Takes subject, grants, family and generation of `claims`; the life is that of the settings.
  Result<Issued> issue(Use use, const UserClaims& claims, WallTime now) const;
  Result<Issued> issue(Use use, const UserClaims& claims, WallTime now, Seconds life) const;

  JwtResult<UserClaims> verify(Use use, std::string_view token, WallTime now) const;

  /// 128 random bits in 22 URL-safe characters: for `jti`, and for a new family.
  static std::string new_id();

 private:
  struct Kind {
    std::string_view type;   ///< in the header
    std::string_view claim;  ///< `typ` among the claims
    Seconds life;
    JwtKeys keys;
    ClaimRules rules;
  };
  UserTokens(Kind access, Kind refresh)
      : access_(std::move(access)), refresh_(std::move(refresh)) {}
  const Kind& kind(Use use) const { return use == Use::access ? access_ : refresh_; }

  Kind access_;
  Kind refresh_;
};

}  // namespace portcullis::identity

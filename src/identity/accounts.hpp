#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/roles.hpp"

/// What is known of users and their keys. Times are kept in milliseconds.
namespace portcullis::identity {

using http::Grant;
using http::kEverySite;
using http::Role;
using http::role_of;

struct User {
  std::string id;    ///< a ULID; never that of another, also after this one has been deleted
  std::string name;  ///< as it was given; two that differ by case are one
  std::vector<Grant> grants;
  WallTime created;
  std::optional<WallTime> disabled;  ///< since when
  std::optional<WallTime> last_login;
  std::optional<WallTime> last_failed_login;
  std::uint32_t failed_logins = 0;  ///< since the last login that succeeded
  /// Whole seconds. A token whose `iat` is before it is void. It lies a second or so ahead when it
  /// is set, and a second further each time that sessions are ended within it, so that nothing that
  /// was issued survives: whoever issues a new token right then gives it this time.
  WallTime sessions_valid_from;
  std::uint32_t sessions_ended = 0;  ///< how often: tells a login that it was overtaken by that
  bool has_totp = false;             ///< confirmed
};

struct NewUser {
  std::string name;
  std::string password_hash;  ///< empty: no password opens this account
  std::vector<Grant> grants;
};

/// What a login is checked by. For nobody else's eyes.
struct Credentials {
  struct Totp {
    std::string sealed;  ///< TotpVault::seal
    bool confirmed = false;
    std::int64_t last_step = 0;
  };
  std::string password_hash;
  std::optional<Totp> totp;
  std::uint32_t recovery_codes_left = 0;
};

/// What one login has become: all refresh tokens that follow from it, of which the one of the
/// highest generation is good.
struct RefreshFamily {
  std::string id;
  std::string user;
  std::uint32_t generation = 0;
  WallTime opened;
  WallTime rotated;  ///< last; `opened` before the first time
  WallTime expires;  ///< of all of them, however often they are changed
  std::optional<WallTime> revoked;
};

/// What became of the attempt to change a refresh token for the next one.
struct Rotation {
  enum class Outcome : std::uint8_t {
    rotated,  ///< to whoever asked, and to nobody else
    reused,   ///< the generation was used before; whoever has it may have stolen it
    unknown,  ///< no such family: never opened, purged, or its user deleted
    expired,
    revoked,
  };
  Outcome outcome = Outcome::unknown;
  /// As it is now. Of an unknown one empty; of a reused one `rotated` tells how long ago the token
  /// was used, so that a caller may forgive a client that sends it twice within a few seconds.
  RefreshFamily family;
};

/// A key of a program. Its secret is not here, only a keyed hash of it.
struct ApiKey {
  std::string id;      ///< a ULID
  std::string prefix;  ///< by which it is found, and known in lists and logs
  std::string hash;    ///< ApiKeys::kHashBytes
  std::string name;    ///< for people
  std::string owner;   ///< the id of a user
  std::vector<std::string> scopes;
  std::string site{kEverySite};  ///< which alone it opens, or "*"
  WallTime created;
  std::optional<WallTime> expires;
  std::optional<std::uint32_t> requests_per_minute;  ///< instead of the general limit
  std::optional<WallTime> last_used;
  std::optional<WallTime> revoked;
  bool owner_disabled = false;

  /// Whether it opens anything at this time.
  bool is_valid(WallTime now) const noexcept {
    return !revoked && !owner_disabled && (!expires || now < *expires);
  }
};

/// What credentials can be revoked by.
enum class RevocableKind : std::uint8_t {
  token,  ///< one of them: `jti`
  login,  ///< all that come from a login: the id of its family
  user,   ///< all of a user: the id, or for tokens of somebody who is not stored user_key()
};

/// Credentials that were issued before `since` are void; by `until` they have expired themselves.
struct RevokedCredentials {
  std::int64_t number = 0;  ///< of a store, increasing
  RevocableKind kind = RevocableKind::token;
  std::string id;
  WallTime since;
  WallTime until;
};

inline constexpr Seconds kMaxAccessLife{24 * 3600};
/// By then every access token has expired, by whichever clock (ClaimRules::kMaxLeeway).
inline constexpr Seconds kRevocationLife = kMaxAccessLife + Seconds{600};

/// A login or token: no id is used again, so all that ever has it is void.
inline RevokedCredentials revoked_id(RevocableKind kind, std::string_view id, WallTime now) {
  const WallTime end = now + kRevocationLife;
  return {.kind = kind, .id = std::string(id), .since = end, .until = end};
}
/// What a user was issued before `since`.
inline RevokedCredentials revoked_user(std::string_view id, WallTime since) {
  return {.kind = RevocableKind::user,
          .id = std::string(id),
          .since = since,
          .until = since + kRevocationLife};
}

inline constexpr std::size_t kMaxUserNameBytes = 128;
inline constexpr std::size_t kMaxSubjectBytes = 264;  ///< of a token: of 256 bytes, and a mark
inline constexpr std::size_t kMaxPasswordHashBytes = 128;
inline constexpr std::size_t kMaxSealedTotpBytes = 128;
inline constexpr std::size_t kMaxHashBytes = 64;
inline constexpr std::size_t kMaxGrants = 32;  ///< as many as a token carries
inline constexpr std::size_t kMaxScopes = 32;
inline constexpr std::size_t kMaxKeyNameBytes = 128;
inline constexpr std::size_t kMaxFamiliesOfUser = 32;
inline constexpr std::size_t kMaxKeysOfUser = 100;
inline constexpr std::size_t kMaxNetworksOfUser = 8;

/// Whether this may name a role, a site or the like in a token: at most 64 letters, digits and
/// "-_.".
bool is_name(std::string_view text) noexcept;

/// Whether this may be the id of a token: at most 128 characters of visible ASCII.
bool is_token_id(std::string_view text) noexcept;

/// What a user name is found by: its letters in lower case. ASCII letters, digits and ".-_+@" only,
/// from a letter or digit on: names that look alike are alike, in any alphabet and form of
/// Unicode. @returns invalid_input for any other.
Result<std::string> user_key(std::string_view name);

/// @returns invalid_input with what is wrong. All stores check by these.
Result<void> check_grants(std::span<const Grant> grants);
Result<void> check(const ApiKey& key);

/// The first whole second of which nothing has been issued yet: sessions_valid_from of a user whose
/// sessions end now.
WallTime next_second(WallTime now) noexcept;

}  // namespace portcullis::identity

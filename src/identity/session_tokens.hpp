#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.hpp"
#include "http/principal.hpp"
#include "identity/presenters.hpp"

namespace portcullis::identity {

/// Issues and verifies session tokens: `pcs_` + base64url(claims ‖ HMAC-SHA256).
///
/// The token says everything that is needed to serve a session without a message, so such a session
/// needs no memory here. Its id is 256 random bits, shown to nobody: bodies and upstreams see keyed
/// handles of it, a different one for each audience.
///
/// Threads: immutable; safe from any.
/// Errors:  verify() tells nothing about why, and takes the same time for every bad signature.
/// Cost:    one HMAC for each key in use (one outside of a key change), about 1 us.
class SessionTokens {
 public:
  /// Who learns of a session without learning its id.
  enum class Audience : std::uint8_t { client, upstream, audit };

  static constexpr std::string_view kPrefix = "pcs_";
  /// Longest token that is looked at.
  static constexpr std::size_t kMaxTokenBytes = 4096;

  /// The first secret signs new sessions, all verify. REQUIRES: not empty.
  explicit SessionTokens(const std::vector<std::string>& secrets);

  /// Signs with the session's own secret (SessionClaims::key), so that a further token of a session
  /// changes no handle. REQUIRES: one that is bound to a key or user has an owner.
  std::string issue(const http::SessionClaims& claims) const;
  /// Checks signature and form. Expiry is the session guard's.
  std::optional<http::SessionClaims> verify(std::string_view token) const;

  /// What `audience` may know a session by: 32 URL-safe characters.
  std::string handle(Audience audience, const http::SessionClaims& claims) const;

  /// The session behind an id that the client chose itself, as one who presents it sees it: the
  /// same id from another network or browser is another session, so that a stolen one opens
  /// nothing. Stable over restarts for as long as the first secret is.
  http::SessionClaims claimed(std::string_view site, std::string_view id,
                              std::string_view presenter, WallTime now) const;

  /// Who presents them.
  const Presenters& presenters() const noexcept { return presenters_; }

 private:
  using SipKey = std::array<std::uint64_t, 2>;
  struct Key {
    crypto::HmacKey sign;
    std::array<std::array<SipKey, 2>, 3> handles{};  ///< for each audience, its two hashes
    std::string users;  ///< seals them: the page need not read its user
  };
  std::vector<Key> keys_;
  crypto::HmacKey claim_key_;
  Presenters presenters_;
};

/// 256 random bits.
std::array<std::uint8_t, 32> new_session_id();

}  // namespace portcullis::identity

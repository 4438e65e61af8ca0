#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "http/roles.hpp"

namespace portcullis::http {

/// The connection's other end, as far as it can be believed.
struct Client {
  IpAddress peer;      ///< who holds the socket
  IpAddress address;   ///< the visitor: the peer, or what a trusted proxy says
  bool https = false;  ///< how the visitor reached us, by our own TLS or a trusted proxy's word
  std::optional<WallTime> blocked_since;  ///< a rule blocked it; sessions from before go on
  bool forwarded_by_stranger = false;  ///< forwarding headers came from a peer that is not trusted
};

/// What a session token says; its signature has been checked.
struct SessionClaims {
  std::array<std::uint8_t, 32> id{};  ///< the secret; shown to nobody
  WallTime created;
  WallTime expires;  ///< absolute life
  std::string site;
  std::string origin;  ///< the origin that created it
  std::string page_url;
  bool bearer = false;   ///< delivered in a body, so it is taken from Authorization only
  std::uint8_t key = 0;  ///< which of the secrets signed it; handles stay the same over a rotation
};

/// What the shared state knows of a session.
struct SessionState {
  enum class Status : std::uint8_t {
    silent,       ///< not stored: no message yet
    live,         ///< stored
    ended,        ///< destroyed
    expired,      ///< idle or absolute life is over
    foreign,      ///< claimed by its name, which so far others presented
    provisional,  ///< the state store does not answer
  };
  Status status = Status::silent;
  std::uint32_t message_count = 0;
};

/// Who is calling, as far as it has been proven. Anonymous until the credentials guard has run.
struct Principal {
  enum class Kind : std::uint8_t { anonymous, session, user, api_key };
  Kind kind = Kind::anonymous;
  std::string id;             ///< user or key; empty otherwise
  std::vector<Grant> grants;  ///< of a user or key
  std::string login;     ///< of a user: the family of refresh tokens; empty where there is none
  std::string token_id;  ///< of a user: `jti`
  WallTime issued;       ///< of a user: the access token
  WallTime expires;
  std::uint32_t requests_per_minute = 0;  ///< of a key that has a limit of its own
  std::optional<SessionClaims> session;
  bool credential_rejected = false;  ///< something was presented that does not verify
  bool failed_login = false;         ///< and that was no session: somebody may be guessing
  std::string fault;                 ///< why, for the log: "JWT_014 exp"

  /// Proven to be a user or a program of one.
  bool is_verified() const noexcept { return kind == Kind::user || kind == Kind::api_key; }
};

/// What the rate guard found, for the limit headers: the tier that decided.
struct LimitState {
  std::string_view tier;  ///< static text; empty: nothing was charged
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  std::int64_t window_seconds = 0;
  std::int64_t reset_seconds = 0;  ///< from now
};

}  // namespace portcullis::http

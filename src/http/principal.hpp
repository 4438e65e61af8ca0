#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/session_use.hpp"
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

/// The operating system that a browser says it runs on.
enum class Platform : std::uint8_t { unknown, windows, macos, ios, android, linux, chromeos };

/// What a request shows of who sends it, as keyed hashes. Those of one session can be compared.
struct Presenter {
  std::uint64_t network = 0;  ///< IPv4 address, IPv6 /64
  bool ipv4 = false;
  std::array<std::uint64_t, 2> fingerprint{};  ///< of the browser
  std::uint64_t user_agent = 0;                ///< 0: it says nothing
  Platform platform = Platform::unknown;

  bool operator==(const Presenter&) const = default;
};

/// What a session token says; its signature has been checked.
struct SessionClaims {
  /// More sessions of one network within an hour than this are many.
  static constexpr std::int64_t kManyCreations = 5;
  std::array<std::uint8_t, 32> id{};  ///< the secret; shown to nobody
  WallTime created;
  WallTime expires;  ///< absolute life
  WallTime issued;   ///< this token, to the millisecond; a fresh one voids those before it
  std::string site;
  std::string origin;  ///< the origin that created it
  std::string page_url;
  std::optional<Presenter> owner;  ///< whom it was issued to; older tokens do not say
  std::uint64_t device = 0;        ///< hash of the owner's screen and time zone; 0: not told
  bool rapid = false;              ///< the owner's network created one after the other
  bool bearer = false;             ///< delivered in a body, so it is taken from Authorization only
  /// Thumbprint of the key whose holder alone may present it; none: whoever has the token may.
  std::optional<std::array<std::uint8_t, 32>> proof_key;
  std::string user;      ///< of the site, whom its server named; empty: nobody is known
  std::uint8_t key = 0;  ///< which of the secrets signed it; handles stay the same over a rotation
};

/// A proof of possession that came along and verifies (RFC 9449).
struct KeyProof {
  std::array<std::uint8_t, 32> thumbprint{};
  std::string id;         ///< unique among those of the key
  bool is_spent = false;  ///< noted, so that it does not serve again
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
  SessionUse use;
  /// For this presenter: by a fresh token, or he was shut out.
  enum class Revoked : std::uint8_t {
    unknown,  ///< nobody could be asked
    no,
    yes,
    unasked,  ///< the caller is a user, too, and that was asked instead
  };
  Revoked revoked = Revoked::unknown;
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
  std::vector<std::string> scopes;        ///< of a key; none: all that its role opens
  std::string key_prefix;                 ///< of a key: by which it is found again
  std::optional<SessionClaims> session;
  std::optional<KeyProof> proof;  ///< of the session's key, or of one for a session to be made
  /// A session that was shown without a proof by its key: nobody's, and kept for the event alone.
  std::shared_ptr<const SessionClaims> unproven;
  bool credential_rejected = false;  ///< something was presented that does not verify
  bool failed_login = false;         ///< and that was no session: somebody may be guessing
  std::string fault;                 ///< why, for the log: "JWT_014 exp"

  /// Lets go of a session whose presenter does not hold its key. `why`: for the log.
  void forget_unproven(SessionClaims claims, std::string why) {
    unproven = std::make_shared<const SessionClaims>(std::move(claims));
    session.reset();
    proof.reset();
    if (kind == Kind::session) kind = Kind::anonymous;
    credential_rejected = !is_verified();
    fault = std::move(why);
  }

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

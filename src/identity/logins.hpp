#pragma once
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/task.hpp"
#include "crypto/digest.hpp"
#include "identity/account_store.hpp"
#include "identity/passwords.hpp"
#include "identity/recovery_codes.hpp"
#include "identity/totp.hpp"
#include "identity/user_tokens.hpp"
#include "net/background.hpp"
#include "state/store.hpp"

namespace portcullis::identity {

/// Why nobody is logged in. A client learns of `wrong` only that it is so.
enum class LoginFault : std::uint8_t {
  wrong,             ///< name, password, code or token; the user disabled; overtaken by a change
  code_needed,       ///< the password is right, and a second factor is missing
  code_wrong,        ///< the second factor is there and wrong
  enrolment_needed,  ///< a role of the user's demands a second factor, and there is none
  paced,             ///< too many attempts at this name
  reused,            ///< a refresh token that was used before: its login has been ended
  refused_password,  ///< the new password may not be chosen
  busy,              ///< as many are being checked as may wait
  unavailable,       ///< accounts, or what nodes share, cannot be asked
};

struct LoginRefusal {
  LoginFault fault = LoginFault::wrong;
  std::string reason{};   ///< for the log; of a password that may not be chosen for the client
  std::string user{};     ///< the id, where one was found
  Seconds retry_after{};  ///< of paced and busy
};

/// What somebody who has logged in gets.
struct LoginTokens {
  User user;
  UserTokens::Issued access;
  UserTokens::Issued refresh;
};

/// Logs users in, keeps them so, and out again.
///
/// A name that nobody has takes the same road and time as one that somebody has. Passwords are
/// compared on `hashing`, everything else that blocks runs on `accounts`; no worker waits for
/// either. Attempts at one name are paced, whoever makes them; from a network that its user has
/// logged in from before they are paced by themselves, so that nobody locks a user out from where
/// he works. What counts against an address is for the caller.
///
/// Threads:   any worker. Immutable but for the password rules, which are made at the first use.
/// Ownership: what it is given outlives it; the Tasks end on the worker that began them.
/// Errors:    LoginRefusal.
/// Bounds:    those of the queues of both Backgrounds.
/// Cost:      a login a hash (about 200 ms at cost 12, on an idle core) and a write with its fsync;
///            a refresh a write with its fsync.
/// Source:    OWASP Authentication Cheat Sheet; RFC 9700 section 4.14 (rotation of refresh tokens).
class Logins {
 public:
  struct Parts {
    AccountStore& store;
    net::Background& accounts;
    net::Background& hashing;
    state::Store& state;
  };
  struct Rules {
    Passwords::Rules passwords;
    Seconds life{7 * 24 * 3600};  ///< of a login, however often it is refreshed
    std::vector<Role> second_factor_roles{};
  };
  /// At one name, from all networks together that its user never logged in from.
  static constexpr std::uint32_t kAttempts = 10;
  /// From one where he did, which programs do again and again.
  static constexpr std::uint32_t kAttemptsFromKnown = 300;
  static constexpr Seconds kAttemptWindow{15 * 60};

  /// `secrets`: for what is kept sealed or hashed; the first makes new ones. REQUIRES: not empty.
  Logins(const Parts& parts, Rules rules, const UserTokens& tokens,
         const std::vector<std::string>& secrets);

  using Outcome = std::expected<LoginTokens, LoginRefusal>;
  struct Attempt {
    std::string name;
    std::string password;
    std::string code;  ///< a one-time password or a recovery code; may be empty
    IpAddress address;
  };
  Task<Outcome> log_in(Attempt attempt) const;
  /// `received`: when the request came. One that came before another had used the token, or no
  /// later than `grace` after that, did not know of it, and is no theft.
  Task<Outcome> refresh(std::string token, WallTime received,
                        Milliseconds grace = Milliseconds{0}) const;
  /// Ends all logins of the user and begins a new one. `attempt.name`: the id of the user.
  Task<Outcome> change_password(Attempt attempt, std::string password) const;

  /// Voids the tokens of a login, here and at all nodes.
  Task<Result<void>> end_login(std::string login) const;
  /// Voids one token.
  Task<Result<void>> end_token(std::string id) const;
  /// Those of all logins of a user.
  Task<Result<void>> end_all(std::string user) const;

  const UserTokens& tokens() const noexcept { return tokens_; }
  const Passwords& passwords() const;

 private:
  struct Found;
  using Step = std::expected<void, LoginRefusal>;
  Task<std::expected<Found, LoginRefusal>> find(Attempt attempt, bool by_id) const;
  Task<Step> pace(std::string key, std::string network, bool known) const;
  Task<std::expected<Found, LoginRefusal>> check(Attempt attempt, bool by_id) const;
  Task<Step> check_code(const Found& found, std::string code) const;
  Task<Outcome> open(User user, std::string network) const;
  Outcome issue(User user, std::string login, std::uint32_t generation, WallTime expires,
                WallTime now) const;
  Task<Result<void>> revoke(RevokedCredentials revoked) const;
  static Task<void> note_failure(Parts parts, std::string id, WallTime now);
  std::string network_of(const IpAddress& address) const;
  bool needs_second_factor(const User& user) const;

  const Parts parts_;
  const Rules rules_;
  const UserTokens& tokens_;
  const TotpVault vault_;
  const RecoveryCodes recovery_codes_;
  const crypto::HmacKey network_key_;
  mutable std::once_flag made_;
  mutable std::optional<Passwords> passwords_;
};

}  // namespace portcullis::identity

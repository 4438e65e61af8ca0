#include "identity/logins.hpp"

#include <algorithm>

#include "identity/revocations.hpp"

namespace portcullis::identity {
namespace {

constexpr std::size_t kNetworkHashBytes = 16;

std::unexpected<LoginRefusal> refuse(LoginFault fault, std::string reason, std::string user = {},
                                     Seconds retry_after = {}) {
  return std::unexpected(LoginRefusal{fault, std::move(reason), std::move(user), retry_after});
}

/// What became of a call that did not come to its end.
std::unexpected<LoginRefusal> refuse(const Error& error) {
  if (error.code == ErrorCode::exhausted) {
    return refuse(LoginFault::busy, error.detail, {}, Seconds{1});
  }
  return refuse(LoginFault::unavailable, error.detail);
}

WallTime now_of_worker() { return net::Worker::current()->clock().wall(); }

}  // namespace

/// What an account store says of a name. Of one that nobody has the user is without an id.
struct Logins::Found {
  User user;
  Credentials credentials;
  std::string network;
  bool knows_network = false;
};

Logins::Logins(const Parts& parts, Rules rules, const UserTokens& tokens,
               const std::vector<std::string>& secrets)
    : parts_(parts),
      rules_(std::move(rules)),
      tokens_(tokens),
      vault_(secrets),
      recovery_codes_(secrets),
      network_key_(crypto::hkdf(secrets.front(), "portcullis login network v1")) {}

/// Takes a hash to be made, so it belongs on a thread that may compute.
const Passwords& Logins::passwords() const {
  std::call_once(made_, [this] { passwords_ = Passwords::make(rules_.passwords).value(); });
  return *passwords_;
}

std::string Logins::network_of(const IpAddress& address) const {
  const IpAddress network = address.network();
  const auto hash = network_key_.sign(network.octets());
  return std::string(crypto::bytes_of(hash)).substr(0, kNetworkHashBytes);
}

bool Logins::needs_second_factor(const User& user) const {
  return std::ranges::any_of(user.grants, [this](const Grant& grant) {
    return std::ranges::find(rules_.second_factor_roles, grant.role) !=
           rules_.second_factor_roles.end();
  });
}

// ---- in

Task<std::expected<Logins::Found, LoginRefusal>> Logins::find(Attempt attempt, bool by_id) const {
  std::string network = network_of(attempt.address);
  auto found = co_await parts_.accounts.run([&]() -> Result<Found> {
    Found out;
    auto user = by_id ? parts_.store.user(attempt.name) : parts_.store.find_user(attempt.name);
    if (!user && user.error().code == ErrorCode::not_found) return out;
    if (!user) return std::unexpected(user.error());
    out.user = *std::move(user);
    TRY(out.credentials, parts_.store.credentials(out.user.id));
    TRY(out.knows_network, parts_.store.knows_network(out.user.id, network));
    return out;
  });
  if (!found) co_return refuse(found.error());
  found->network = std::move(network);
  co_return *std::move(found);
}

/// Counts an attempt before anything is looked at, so that many at a time are no more than so many
/// one after the other.
Task<Logins::Step> Logins::pace(std::string key, std::string network, bool known) const {
  constexpr state::Space kTier = "login-name";
  if (known) (key += '\0') += network;
  state::AdmitRequest request;
  request.add({.tier = kTier.name(),
               .key = state::key_of(kTier, key),
               .limit = known ? kAttemptsFromKnown : kAttempts,
               .window = kAttemptWindow});
  const auto answer = co_await parts_.state.admit(request);
  if (!answer) co_return refuse(LoginFault::unavailable, answer.error().detail);
  if (answer->alone) co_return refuse(LoginFault::unavailable, "the shared state is away");
  if (!answer->admission.admitted) {
    co_return refuse(LoginFault::paced, "too many attempts at one name", {},
                     std::max(Seconds{1}, answer->admission.reset));
  }
  co_return Step{};
}

/// Everything that shows whether somebody is who he says.
Task<std::expected<Logins::Found, LoginRefusal>> Logins::check(Attempt attempt, bool by_id) const {
  const WallTime now = now_of_worker();
  auto found = co_await find(attempt, by_id);
  if (!found) co_return std::unexpected(std::move(found).error());
  const std::string& id = found->user.id;
  // Told before the attempt is counted: it was none. Half of the places are for whoever comes from
  // where he was before, so that a flood of strangers leaves users a way in.
  const auto waiting = parts_.hashing.load().waiting;
  const auto places = parts_.hashing.places();
  if (waiting >= (found->knows_network ? places : places / 2)) {
    co_return refuse(LoginFault::busy, "as many logins wait as may", id, Seconds{1});
  }
  auto name = user_key(by_id ? found->user.name : attempt.name);
  // Of those that nobody can have there is no end, so they are counted as one.
  const auto paced =
      co_await pace(name ? *std::move(name) : std::string(), found->network, found->knows_network);
  if (!paced)
    co_return refuse(paced.error().fault, paced.error().reason, id, paced.error().retry_after);
  const auto right = co_await parts_.hashing.run([&]() -> Result<bool> {
    if (!id.empty()) return passwords().verify(attempt.password, found->credentials.password_hash);
    passwords().verify_nothing(attempt.password);
    return false;
  });
  if (!right) co_return refuse(right.error());
  if (!*right || found->user.disabled) {
    // Not waited for: a name that nobody has would be answered sooner by the time of a write.
    if (!id.empty()) spawn(note_failure(parts_, id, now));
    co_return refuse(LoginFault::wrong,
                     id.empty() ? "no such user"
                     : !*right  ? "wrong password"
                                : "the user is disabled",
                     id);
  }
  const auto proven = co_await check_code(*found, std::move(attempt.code));
  if (!proven) co_return std::unexpected(proven.error());
  co_return *std::move(found);
}

/// Outlives the call and the configuration that it belongs to.
Task<void> Logins::note_failure(Parts parts, std::string id, WallTime now) {
  (void)co_await parts.accounts.run([&] { return parts.store.note_failed_login(id, now); });
}

Task<Logins::Step> Logins::check_code(const Found& found, std::string code) const {
  const User& user = found.user;
  const auto& totp = found.credentials.totp;
  if (!totp || !totp->confirmed) {
    if (!needs_second_factor(user)) co_return Step{};
    co_return refuse(LoginFault::enrolment_needed, "a second factor is demanded", user.id);
  }
  if (code.empty()) co_return refuse(LoginFault::code_needed, "second factor is missing", user.id);
  const WallTime now = now_of_worker();
  const auto secret = vault_.open(user.id, totp->sealed);
  if (!secret) {
    co_return refuse(LoginFault::unavailable,
                     "the secret of a second factor does not open: "
                     "SESSION_SECRET_KEY is not the one it was made with",
                     user.id);
  }
  const auto step = accepted_totp_step(*secret, code, totp->last_step, now);
  const auto accepted = co_await parts_.accounts.run([&]() -> Result<bool> {
    if (step) return parts_.store.advance_totp(user.id, *step);
    for (const auto& hash : recovery_codes_.hashes_of(user.id, code)) {
      TRY(const bool consumed, parts_.store.consume_recovery_code(user.id, hash));
      if (consumed) return true;
    }
    TRY([[maybe_unused]] const auto failures, parts_.store.note_failed_login(user.id, now));
    return false;
  });
  if (!accepted) co_return refuse(accepted.error());
  if (!*accepted) co_return refuse(LoginFault::code_wrong, "wrong second factor", user.id);
  co_return Step{};
}

Task<Logins::Outcome> Logins::log_in(Attempt attempt) const {
  const std::string password = attempt.password;
  auto found = co_await check(std::move(attempt), false);
  if (!found) co_return std::unexpected(std::move(found).error());
  const std::string id = found->user.id;
  const std::string old = found->credentials.password_hash;
  auto outcome = co_await open(std::move(found->user), std::move(found->network));
  if (outcome && passwords().needs_rehash(old)) {
    // The cost has been raised since. Where this fails, the next login does it.
    const auto hash = co_await parts_.hashing.run([&] { return passwords().hash(password); });
    if (hash) {
      (void)co_await parts_.accounts.run(
          [&] { return parts_.store.rehash_password(id, old, *hash); });
    }
  }
  co_return outcome;
}

/// A new login of a user as he was found before his password was looked at.
Task<Logins::Outcome> Logins::open(User user, std::string network) const {
  const WallTime now = now_of_worker();
  const std::string login = UserTokens::new_id();
  const WallTime expires = now + rules_.life;
  const auto opened = co_await parts_.accounts.run([&]() -> Result<bool> {
    TRY(const bool is_open, parts_.store.open_family(user, login, expires, now));
    if (is_open) {
      if (auto noted = parts_.store.note_login(user.id, network, now); !noted) {
        return std::unexpected(noted.error());
      }
    }
    return is_open;
  });
  if (!opened) co_return refuse(opened.error());
  if (!*opened)
    co_return refuse(LoginFault::wrong, "overtaken by a change of the account", user.id);
  co_return issue(std::move(user), login, 0, expires, now);
}

Logins::Outcome Logins::issue(User user, std::string login, std::uint32_t generation,
                              WallTime expires, WallTime now) const {
  UserClaims claims;
  claims.subject = user.id;
  claims.grants = user.grants;
  claims.family = std::move(login);
  claims.generation = generation;
  // Whatever was issued before that time is void, and it may lie a second ahead.
  const WallTime from = std::max(now, user.sessions_valid_from);
  const auto left = std::chrono::duration_cast<Seconds>(expires - from);
  auto access = tokens_.issue(UserTokens::Use::access, claims, from);
  if (!access) return refuse(access.error());
  auto refresh = tokens_.issue(UserTokens::Use::refresh, claims, from, left);
  if (!refresh) return refuse(refresh.error());
  return LoginTokens{std::move(user), *std::move(access), *std::move(refresh)};
}

// ---- on

Task<Logins::Outcome> Logins::refresh(std::string token, WallTime received,
                                      Milliseconds grace) const {
  const Clock& clock = net::Worker::current()->clock();
  const auto claims = tokens_.verify(UserTokens::Use::refresh, token, clock.wall());
  if (!claims) co_return refuse(LoginFault::wrong, claims.error().text());
  struct Turn {
    Rotation rotation;
    std::optional<User> user;
    bool is_theft = false;
  };
  const auto turn = co_await parts_.accounts.run([&]() -> Result<Turn> {
    // Read here, not before: whoever came meanwhile did not know of this one.
    const WallTime now = clock.wall();
    Turn out;
    TRY(out.rotation, parts_.store.rotate_family(claims->family, claims->generation, now));
    const auto& family = out.rotation.family;
    if (out.rotation.outcome == Rotation::Outcome::rotated) {
      TRY(out.user, parts_.store.user(family.user));
    }
    out.is_theft =
        out.rotation.outcome == Rotation::Outcome::reused && received >= family.rotated + grace;
    if (out.is_theft) {
      if (auto done = parts_.store.revoke_family(family.id, now); !done) {
        return std::unexpected(done.error());
      }
    }
    return out;
  });
  if (!turn) co_return refuse(turn.error());
  const WallTime now = clock.wall();
  const auto& family = turn->rotation.family;
  if (turn->is_theft) {
    (void)co_await revoke(revoked_id(RevocableKind::login, family.id, now));
    co_return refuse(LoginFault::reused, "a refresh token was used twice", family.user);
  }
  if (turn->rotation.outcome == Rotation::Outcome::reused) {
    co_return refuse(LoginFault::wrong, "another request used the token first", family.user);
  }
  if (turn->rotation.outcome != Rotation::Outcome::rotated) {
    co_return refuse(LoginFault::wrong, "the login has ended", family.user);
  }
  const User& user = *turn->user;
  // Sessions may have been ended since the family was rotated.
  if (user.disabled || user.id != claims->subject || claims->issued < user.sessions_valid_from) {
    co_return refuse(LoginFault::wrong, "the user is disabled, or all his logins have ended",
                     family.user);
  }
  if (needs_second_factor(user) && !user.has_totp) {
    co_return refuse(LoginFault::enrolment_needed, "a second factor is demanded", user.id);
  }
  co_return issue(user, family.id, family.generation, family.expires,
                  std::max(now, claims->issued));
}

// ---- out

Task<Result<void>> Logins::revoke(RevokedCredentials revoked) const {
  co_return co_await parts_.state.revoke(revocation_of(revoked));
}

Task<Result<void>> Logins::end_login(std::string login) const {
  const WallTime now = now_of_worker();
  const auto kept =
      co_await parts_.accounts.run([&] { return parts_.store.revoke_family(login, now); });
  if (!kept) co_return kept;
  co_return co_await revoke(revoked_id(RevocableKind::login, login, now));
}

Task<Result<void>> Logins::end_token(std::string id) const {
  const WallTime now = now_of_worker();
  const auto kept =
      co_await parts_.accounts.run([&] { return parts_.store.revoke_token(id, now); });
  if (!kept) co_return kept;
  co_return co_await revoke(revoked_id(RevocableKind::token, id, now));
}

Task<Result<void>> Logins::end_all(std::string user) const {
  const WallTime now = now_of_worker();
  const auto since = co_await parts_.accounts.run([&]() -> Result<WallTime> {
    auto ended = parts_.store.end_sessions(user, now);
    if (ended || ended.error().code != ErrorCode::not_found) return ended;
    // Somebody who is not stored has tokens all the same.
    const WallTime from = next_second(now);
    if (auto noted = parts_.store.revoke_tokens_of(user, from); !noted) {
      return std::unexpected(noted.error());
    }
    return from;
  });
  if (!since) co_return std::unexpected(since.error());
  co_return co_await revoke(revoked_user(user, *since));
}

Task<Logins::Outcome> Logins::change_password(Attempt attempt, std::string password) const {
  auto found = co_await check(attempt, true);
  if (!found) co_return std::unexpected(std::move(found).error());
  const std::string id = found->user.id;
  // Whoever is told why has shown the old one.
  if (const auto fault = passwords().fault_in(password)) {
    co_return refuse(LoginFault::refused_password, std::string(text_of(*fault)), id);
  }
  const auto hash = co_await parts_.hashing.run([&] { return passwords().hash(password); });
  if (!hash) co_return refuse(hash.error());
  const WallTime now = now_of_worker();
  auto user = co_await parts_.accounts.run(
      [&] { return parts_.store.replace_password(found->user, *hash, now); });
  if (!user) co_return refuse(user.error());
  if (!*user) co_return refuse(LoginFault::wrong, "overtaken by a change of the account", id);
  (void)co_await revoke(revoked_user(id, (*user)->sessions_valid_from));
  co_return co_await open(**std::move(user), std::move(found->network));
}

}  // namespace portcullis::identity

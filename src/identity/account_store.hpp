#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/accounts.hpp"

namespace portcullis::identity {

/// Keeps users, what they log in with, what became of their logins, and keys.
///
/// What two callers may try at once is decided here, for all processes and nodes that share the
/// store: one of them rotates a family, uses a recovery code or a one-time password.
///
/// Threads: any. Calls block on disk or network: they belong on a net::Background, never on a
///          worker.
/// Errors:  not_found where the user, or what else is named, is not there; invalid_input for values
///          that break their rules (accounts.hpp); unavailable, exhausted, malformed of what it is
///          kept in. A call that fails has changed nothing, but for one that lost the connection
///          to its database while it was being committed: of that nobody knows.
/// Units:   times come from the caller and are kept in milliseconds. Lists of ids and hashes are
///          bounded by accounts.hpp.
class AccountStore {
 public:
  static constexpr std::size_t kMaxPage = 200;

  virtual ~AccountStore() = default;

  // Users

  /// Nothing where the name is taken.
  virtual Result<std::optional<User>> add_user(const NewUser& user, WallTime now) = 0;
  /// Without regard to the case of letters.
  virtual Result<User> find_user(std::string_view name) = 0;
  virtual Result<User> user(std::string_view id) = 0;
  struct Page {
    std::vector<User> users;  ///< in the order of the bytes of user_key()
    std::string next;         ///< what to begin the next page after; empty at the end
  };
  /// At most `limit` users (1 to kMaxPage) whose names come after `after`, "" for the first page.
  virtual Result<Page> users(std::string_view after, std::size_t limit) = 0;
  virtual Result<Credentials> credentials(std::string_view id) = 0;
  /// A password that has been changed: ends all sessions, as end_sessions().
  virtual Result<void> set_password(std::string_view id, std::string_view hash, WallTime now) = 0;
  /// The same by the user, as found before the old password was looked at. @returns the user as he
  /// is then; nothing where he is disabled or has had all sessions ended since, as by somebody who
  /// reset the password: that stands.
  virtual Result<std::optional<User>> replace_password(const User& user, std::string_view hash,
                                                       WallTime now) = 0;
  /// The same password, hashed anew. @returns false where `old_hash` is no longer what is stored:
  /// it has been changed meanwhile, and the change stands.
  virtual Result<bool> rehash_password(std::string_view id, std::string_view old_hash,
                                       std::string_view hash) = 0;
  /// Ends all sessions, too.
  virtual Result<void> disable(std::string_view id, WallTime now) = 0;
  /// What had been ended stays so.
  virtual Result<void> enable(std::string_view id) = 0;
  /// With all that was the user's.
  virtual Result<void> remove_user(std::string_view id, WallTime now) = 0;
  /// Instead of those there were. Ends all sessions: their tokens say what they said.
  virtual Result<void> set_grants(std::string_view id, std::span<const Grant> grants,
                                  WallTime now) = 0;

  // Logins

  /// A login that succeeded, from a network (a keyed hash, kMaxHashBytes at most; "": not
  /// told). Of more than kMaxNetworksOfUser the one that was used longest ago is forgotten.
  virtual Result<void> note_login(std::string_view id, std::string_view network, WallTime now) = 0;
  /// Whether the user has logged in from there.
  virtual Result<bool> knows_network(std::string_view id, std::string_view network) = 0;
  /// @returns how many have failed in a row.
  virtual Result<std::uint32_t> note_failed_login(std::string_view id, WallTime now) = 0;
  /// Revokes every family, and voids every token issued before: sessions_valid_from, which never
  /// goes back. @returns what it is now.
  virtual Result<WallTime> end_sessions(std::string_view id, WallTime now) = 0;

  // One-time passwords

  /// Begins: the secret counts once it has been confirmed; one that has not is replaced.
  /// @returns false where there is a confirmed one, which must be removed first.
  virtual Result<bool> enrol_totp(std::string_view id, std::string_view sealed) = 0;
  /// The user has shown a password of it, that of `step`. Ends all sessions, which began without
  /// it. @returns false where none is to be confirmed.
  virtual Result<bool> confirm_totp(std::string_view id, std::int64_t step, WallTime now) = 0;
  /// Recovery codes go with it.
  virtual Result<void> remove_totp(std::string_view id) = 0;
  /// @returns whether `step` had not been used: true to one caller alone, and never again for it
  /// or for one before it.
  virtual Result<bool> advance_totp(std::string_view id, std::int64_t step) = 0;
  /// Instead of those there were; RecoveryCodes::kCount at most.
  virtual Result<void> store_recovery_codes(std::string_view id,
                                            std::span<const std::string> hashes) = 0;
  /// @returns whether there was such a code: true to one caller alone.
  virtual Result<bool> consume_recovery_code(std::string_view id, std::string_view hash) = 0;

  // Refresh tokens

  /// Of generation 0. `id`: UserTokens::new_id(). Of more than kMaxFamiliesOfUser the one that was
  /// silent longest is forgotten. invalid_input where the id is taken or it expires before now.
  /// `user`: as found before the password was looked at. @returns false where the user is disabled
  /// or has had all sessions ended since, as by a change of the password.
  virtual Result<bool> open_family(const User& user, std::string_view id, WallTime expires,
                                   WallTime now) = 0;
  /// Makes `generation` + 1 of `generation`. Of callers with the same one exactly one is told
  /// `rotated`; nothing is revoked here.
  virtual Result<Rotation> rotate_family(std::string_view id, std::uint32_t generation,
                                         WallTime now) = 0;
  /// Nothing happens where it is not there, or revoked already.
  virtual Result<void> revoke_family(std::string_view id, WallTime now) = 0;
  virtual Result<void> revoke_families(std::string_view user, WallTime now) = 0;
  /// Forgets families that have expired. @returns how many.
  virtual Result<std::size_t> purge_families(WallTime now) = 0;

  // Revocations: what disable, end_sessions, set_password, set_grants, remove_user, revoke_family
  // and revoke_families make void is noted with them.

  /// `id`: the `jti` of an access token, as is_token_id().
  virtual Result<void> revoke_token(std::string_view id, WallTime now) = 0;
  /// Of somebody who is not stored, and has tokens all the same: all that were issued before
  /// `since`.
  virtual Result<void> revoke_tokens_of(std::string_view subject, WallTime since) = 0;
  /// Those with a number above `after`, in their order; at most `limit` (1 to kMaxPage).
  virtual Result<std::vector<RevokedCredentials>> revocations(std::int64_t after,
                                                              std::size_t limit) = 0;
  /// Forgets those that have nothing left to revoke. @returns how many.
  virtual Result<std::size_t> purge_revocations(WallTime now) = 0;
  /// Another number whenever anything was changed, by whichever process or node.
  virtual Result<std::int64_t> version() = 0;

  // API keys

  /// As ApiKeys::mint() makes it. @returns false where the prefix is taken: mint another. exhausted
  /// where the owner has kMaxKeysOfUser.
  virtual Result<bool> add_api_key(const ApiKey& key) = 0;
  virtual Result<ApiKey> find_api_key(std::string_view prefix) = 0;
  /// All of one owner, or of all; by id, which is by age. At most `limit` after the id `after`.
  virtual Result<std::vector<ApiKey>> api_keys(std::optional<std::string_view> owner,
                                               std::string_view after, std::size_t limit) = 0;
  virtual Result<void> revoke_api_key(std::string_view id, WallTime now) = 0;
  /// `last_used` never goes back. Callers coalesce: once a minute is enough.
  virtual Result<void> touch_api_key(std::string_view id, WallTime now) = 0;
};

}  // namespace portcullis::identity

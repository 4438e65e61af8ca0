#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "identity/accounts.hpp"
#include "sqlite/database.hpp"

/// What the parts of SqliteAccountStore share. All of it runs within a transaction of theirs.
namespace portcullis::identity::sqlite_accounts {

/// The tables, version by version.
const sqlite::Schema& schema();

inline WallTime time_of(std::int64_t millis) { return WallTime{Milliseconds{millis}}; }
std::optional<WallTime> maybe_time(const sqlite::Query& row, int column);
std::optional<std::int64_t> maybe_millis(const std::optional<WallTime>& time);

std::unexpected<Error> no_such_user();
std::unexpected<Error> refuse_input(std::string what);

/// @returns not_found where there is no such user.
Result<void> require_user(sqlite::Connection& connection, std::string_view id);

/// Whether the user is enabled, and no session has been ended since.
Result<bool> is_as_found(sqlite::Connection& connection, const User& user);

/// What a conditional change of a user's row came to: whether it was made, or not_found.
Result<bool> made(sqlite::Connection& connection, std::string_view id, int changes);
/// The same where the condition is that the user is there.
Result<void> must_be_made(int changes);

void revoke_families_of(sqlite::Connection& connection, std::string_view user, WallTime now);

/// For whoever keeps what is in force; it gets a number.
void note_revocation(sqlite::Connection& connection, const RevokedCredentials& revoked);
/// The same for a user, by the id and by the name.
void note_revocation_of_user(sqlite::Connection& connection, std::string_view id, WallTime since);

/// AccountStore::end_sessions().
Result<WallTime> end_sessions_of(sqlite::Connection& connection, std::string_view id, WallTime now);

}  // namespace portcullis::identity::sqlite_accounts

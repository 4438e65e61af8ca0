#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "identity/accounts.hpp"
#include "sql/database.hpp"

/// What the parts of SqlAccountStore share. All of it runs within a transaction of theirs.
namespace portcullis::identity::sql_accounts {

inline WallTime time_of(std::int64_t millis) { return WallTime{Milliseconds{millis}}; }
std::optional<WallTime> maybe_time(const sql::Query& row, int column);
std::optional<std::int64_t> maybe_millis(const std::optional<WallTime>& time);

std::unexpected<Error> no_such_user();
std::unexpected<Error> refuse_input(std::string what);

/// @returns not_found where there is no such user.
Result<void> require_user(sql::Connection& connection, std::string_view id);

/// Whether the user is enabled, and no session has been ended since.
Result<bool> is_as_found(sql::Connection& connection, const User& user);

/// What a conditional change of a user's row came to: whether it was made, or not_found.
Result<bool> made(sql::Connection& connection, std::string_view id, std::int64_t changes);
/// The same where the condition is that the user is there.
Result<void> must_be_made(std::int64_t changes);

void revoke_families_of(sql::Connection& connection, std::string_view user, WallTime now);

/// For whoever keeps what is in force; it gets a number.
void note_revocation(sql::Connection& connection, const RevokedCredentials& revoked);
/// The same for a user, by the id and by the name.
void note_revocation_of_user(sql::Connection& connection, std::string_view id, WallTime since);

/// AccountStore::end_sessions().
Result<WallTime> end_sessions_of(sql::Connection& connection, std::string_view id, WallTime now);

}  // namespace portcullis::identity::sql_accounts

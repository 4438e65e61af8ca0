#include "identity/sql_accounts.hpp"

namespace portcullis::identity::sql_accounts {
std::optional<WallTime> maybe_time(const sql::Query& row, int column) {
  const auto millis = row.maybe_number(column);
  if (!millis) return std::nullopt;
  return time_of(*millis);
}

std::optional<std::int64_t> maybe_millis(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return epoch_millis(*time);
}

std::unexpected<Error> no_such_user() {
  return fail(ErrorCode::not_found, "there is no such user");
}

std::unexpected<Error> refuse_input(std::string what) {
  return fail(ErrorCode::invalid_input, std::move(what), ErrorOrigin::client);
}

Result<void> require_user(sql::Connection& connection, std::string_view id) {
  if (!connection.query("SELECT 1 FROM users WHERE id = ?1", id).step()) return no_such_user();
  return {};
}

Result<bool> is_as_found(sql::Connection& connection, const User& user) {
  auto row = connection.query(
      "SELECT disabled_at IS NULL AND sessions_ended = ?2 FROM users WHERE id = ?1", user.id,
      std::int64_t{user.sessions_ended});
  if (!row.step()) return no_such_user();
  return row.number(0) != 0;
}

Result<bool> made(sql::Connection& connection, std::string_view id, std::int64_t changes) {
  if (changes > 0) return true;
  if (auto there = require_user(connection, id); !there) return std::unexpected(there.error());
  return false;
}

Result<void> must_be_made(std::int64_t changes) {
  if (changes == 0) return no_such_user();
  return {};
}

void revoke_families_of(sql::Connection& connection, std::string_view user, WallTime now) {
  connection.run(
      "UPDATE refresh_families SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL", user,
      epoch_millis(now));
}

void note_revocation(sql::Connection& connection, const RevokedCredentials& revoked) {
  connection.run("INSERT INTO revocations (kind, revoked_id, since, until) VALUES (?1, ?2, ?3, ?4)",
                 static_cast<std::int64_t>(revoked.kind), revoked.id, epoch_millis(revoked.since),
                 epoch_millis(revoked.until));
}

void note_revocation_of_user(sql::Connection& connection, std::string_view id, WallTime since) {
  std::string key;
  {
    auto row = connection.query("SELECT name_key FROM users WHERE id = ?1", id);
    if (row.step()) key = row.text(0);
  }
  for (const std::string& by : {std::string(id), key}) {
    if (!by.empty()) note_revocation(connection, revoked_user(by, since));
  }
}

Result<WallTime> end_sessions_of(sql::Connection& connection, std::string_view id, WallTime now) {
  auto row = connection.query(
      "UPDATE users SET sessions_valid_from = CASE WHEN sessions_valid_from + 1000 > ?2 "
      "THEN sessions_valid_from + 1000 ELSE ?2 END, sessions_ended = sessions_ended + 1 WHERE id = "
      "?1 RETURNING sessions_valid_from",
      id, epoch_millis(next_second(now)));
  if (!row.step()) return no_such_user();
  const auto valid_from = time_of(row.number(0));
  revoke_families_of(connection, id, now);
  note_revocation_of_user(connection, id, valid_from);
  return valid_from;
}

}  // namespace portcullis::identity::sql_accounts

#include "identity/sqlite_accounts.hpp"

#include <array>

namespace portcullis::identity::sqlite_accounts {
namespace {

/// "PCac": Portcullis, accounts.
constexpr std::int32_t kApplication = 0x50436163;

constexpr std::array<const char*, 2> kMigrations{
    R"sql(
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  last_login_at INTEGER,
  last_failed_login_at INTEGER,
  failed_logins INTEGER NOT NULL DEFAULT 0,
  sessions_valid_from INTEGER NOT NULL DEFAULT 0,
  sessions_ended INTEGER NOT NULL DEFAULT 0,
  totp_secret BLOB,
  totp_confirmed INTEGER NOT NULL DEFAULT 0,
  totp_last_step INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE grants (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  site TEXT NOT NULL,
  PRIMARY KEY (user_id, role, site)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash BLOB NOT NULL,
  PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE refresh_families (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL DEFAULT 0,
  opened_at INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE INDEX refresh_families_of_user ON refresh_families (user_id, rotated_at);
CREATE INDEX refresh_families_by_end ON refresh_families (expires_at);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  prefix TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL,
  name TEXT NOT NULL,
  owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  site TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  requests_per_minute INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_of_owner ON api_keys (owner_id, id);
)sql",
    R"sql(
CREATE TABLE revocations (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  revoked_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_by_end ON revocations (until);

CREATE TABLE login_networks (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  network BLOB NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, network)
) STRICT, WITHOUT ROWID;
)sql"};

}  // namespace

const sqlite::Schema& schema() {
  static const sqlite::Schema out{.application = kApplication, .migrations = kMigrations};
  return out;
}

std::optional<WallTime> maybe_time(const sqlite::Query& row, int column) {
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

Result<void> require_user(sqlite::Connection& connection, std::string_view id) {
  if (!connection.query("SELECT 1 FROM users WHERE id = ?1", id).step()) return no_such_user();
  return {};
}

Result<bool> is_as_found(sqlite::Connection& connection, const User& user) {
  auto row = connection.query(
      "SELECT disabled_at IS NULL AND sessions_ended = ?2 FROM users WHERE id = ?1", user.id,
      std::int64_t{user.sessions_ended});
  if (!row.step()) return no_such_user();
  return row.number(0) != 0;
}

Result<bool> made(sqlite::Connection& connection, std::string_view id, int changes) {
  if (changes > 0) return true;
  if (auto there = require_user(connection, id); !there) return std::unexpected(there.error());
  return false;
}

Result<void> must_be_made(int changes) {
  if (changes == 0) return no_such_user();
  return {};
}

void revoke_families_of(sqlite::Connection& connection, std::string_view user, WallTime now) {
  connection.run(
      "UPDATE refresh_families SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL", user,
      epoch_millis(now));
}

void note_revocation(sqlite::Connection& connection, const RevokedCredentials& revoked) {
  connection.run("INSERT INTO revocations (kind, revoked_id, since, until) VALUES (?1, ?2, ?3, ?4)",
                 static_cast<std::int64_t>(revoked.kind), revoked.id, epoch_millis(revoked.since),
                 epoch_millis(revoked.until));
}

void note_revocation_of_user(sqlite::Connection& connection, std::string_view id, WallTime since) {
  std::string key;
  {
    auto row = connection.query("SELECT name_key FROM users WHERE id = ?1", id);
    if (row.step()) key = row.text(0);
  }
  for (const std::string& by : {std::string(id), key}) {
    if (!by.empty()) note_revocation(connection, revoked_user(by, since));
  }
}

Result<WallTime> end_sessions_of(sqlite::Connection& connection, std::string_view id,
                                 WallTime now) {
  auto row = connection.query(
      "UPDATE users SET sessions_valid_from = max(sessions_valid_from + 1000, ?2), "
      "sessions_ended = sessions_ended + 1 WHERE id = ?1 RETURNING sessions_valid_from",
      id, epoch_millis(next_second(now)));
  if (!row.step()) return no_such_user();
  const auto valid_from = time_of(row.number(0));
  revoke_families_of(connection, id, now);
  note_revocation_of_user(connection, id, valid_from);
  return valid_from;
}

}  // namespace portcullis::identity::sqlite_accounts

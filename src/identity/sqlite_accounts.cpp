#include "identity/sqlite_accounts.hpp"

#include <array>

#include "identity/sql_account_store.hpp"

namespace portcullis::identity {
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

Result<std::unique_ptr<AccountStore>> open_sqlite_accounts(const sqlite::Options& options) {
  TRY(auto database,
      sqlite::Database::open(options, {.application = kApplication, .migrations = kMigrations}));
  return std::make_unique<SqlAccountStore>(std::move(database));
}

}  // namespace portcullis::identity

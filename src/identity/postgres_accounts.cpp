#include "identity/postgres_accounts.hpp"

#include <array>

#include "identity/sql_account_store.hpp"

namespace portcullis::identity {
namespace {

/// As those in SQLite, with the types that PostgreSQL has for the same. Texts are ordered by their
/// bytes. Writers go one at a time, so that revocations are numbered in the order of their commits.
constexpr std::array<const char*, 1> kMigrations{
    R"sql(
CREATE TABLE users (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  name_key TEXT COLLATE "C" NOT NULL UNIQUE,
  password_hash TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  disabled_at BIGINT,
  last_login_at BIGINT,
  last_failed_login_at BIGINT,
  failed_logins BIGINT NOT NULL DEFAULT 0,
  sessions_valid_from BIGINT NOT NULL DEFAULT 0,
  sessions_ended BIGINT NOT NULL DEFAULT 0,
  totp_secret BYTEA,
  totp_confirmed BOOLEAN NOT NULL DEFAULT FALSE,
  totp_last_step BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE grants (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role TEXT COLLATE "C" NOT NULL,
  site TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, role, site)
);

CREATE TABLE recovery_codes (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash BYTEA NOT NULL,
  PRIMARY KEY (user_id, hash)
);

CREATE TABLE refresh_families (
  id TEXT COLLATE "C" PRIMARY KEY,
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  generation BIGINT NOT NULL DEFAULT 0,
  opened_at BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX refresh_families_of_user ON refresh_families (user_id, rotated_at);
CREATE INDEX refresh_families_by_end ON refresh_families (expires_at);

CREATE TABLE api_keys (
  id TEXT COLLATE "C" PRIMARY KEY,
  prefix TEXT COLLATE "C" NOT NULL UNIQUE,
  hash BYTEA NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  owner_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scopes TEXT COLLATE "C" NOT NULL,
  site TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  requests_per_minute BIGINT,
  last_used_at BIGINT,
  revoked_at BIGINT
);
CREATE INDEX api_keys_of_owner ON api_keys (owner_id, id);

CREATE TABLE revocations (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind BIGINT NOT NULL,
  revoked_id TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL
);
CREATE INDEX revocations_by_end ON revocations (until);

CREATE TABLE login_networks (
  user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  network BYTEA NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, network)
);
)sql"};

}  // namespace

std::unique_ptr<AccountStore> make_postgres_accounts(postgres::Options options) {
  return std::make_unique<SqlAccountStore>(std::make_unique<postgres::Database>(
      std::move(options), postgres::Schema{.part = "accounts", .migrations = kMigrations}));
}

}  // namespace portcullis::identity

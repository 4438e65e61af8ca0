#include "identity/sql_account_store.hpp"

#include "base/ids.hpp"
#include "identity/sql_accounts.hpp"

namespace portcullis::identity {
namespace {

using namespace sql_accounts;
using sql::Connection;
using sql::Query;

#define PORTCULLIS_USER_COLUMNS                                                             \
  "id, name, created_at, disabled_at, last_login_at, last_failed_login_at, failed_logins, " \
  "sessions_valid_from, sessions_ended, totp_confirmed"

constexpr std::string_view kUserById =
    "SELECT " PORTCULLIS_USER_COLUMNS " FROM users WHERE id = ?1";
constexpr std::string_view kUserByKey =
    "SELECT " PORTCULLIS_USER_COLUMNS " FROM users WHERE name_key = ?1";
constexpr std::string_view kUserPage =
    "SELECT " PORTCULLIS_USER_COLUMNS " FROM users WHERE name_key > ?1 ORDER BY name_key LIMIT ?2";

#undef PORTCULLIS_USER_COLUMNS

/// Roles of a newer program that wrote this file are left out: they open nothing here.
std::vector<Grant> grants_of(Connection& connection, std::string_view id) {
  std::vector<Grant> out;
  auto rows = connection.query("SELECT role, site FROM grants WHERE user_id = ?1", id);
  while (rows.step()) {
    if (const auto role = role_of(rows.text(0))) out.push_back({*role, rows.text(1)});
  }
  return out;
}

User user_in(Connection& connection, const Query& row) {
  User out;
  out.id = row.text(0);
  out.name = row.text(1);
  out.created = time_of(row.number(2));
  out.disabled = maybe_time(row, 3);
  out.last_login = maybe_time(row, 4);
  out.last_failed_login = maybe_time(row, 5);
  out.failed_logins = static_cast<std::uint32_t>(row.number(6));
  out.sessions_valid_from = time_of(row.number(7));
  out.sessions_ended = static_cast<std::uint32_t>(row.number(8));
  out.has_totp = row.number(9) != 0;
  out.grants = grants_of(connection, out.id);
  return out;
}

Result<User> one_user(Connection& connection, std::string_view sql, std::string_view by) {
  auto row = connection.query(sql, by);
  if (!row.step()) return no_such_user();
  return user_in(connection, row);
}

void insert_grants(Connection& connection, std::string_view id, std::span<const Grant> grants) {
  for (const auto& grant : grants) {
    connection.run("INSERT INTO grants (user_id, role, site) VALUES (?1, ?2, ?3)", id,
                   name_of(grant.role), std::string_view(grant.site));
  }
}

Result<void> check_hash(std::string_view hash) {
  if (hash.size() > kMaxPasswordHashBytes) return refuse_input("a password hash is too long");
  return {};
}

}  // namespace

Result<std::optional<User>> SqlAccountStore::add_user(const NewUser& user, WallTime now) {
  TRY(const std::string key, user_key(user.name));
  if (auto good = check_grants(user.grants); !good) return std::unexpected(good.error());
  if (auto good = check_hash(user.password_hash); !good) return std::unexpected(good.error());
  return database_->write([&](Connection& connection) -> Result<std::optional<User>> {
    const std::string id = Ulid::make(now).text();
    const auto added = connection.run(
        "INSERT INTO users (id, name, name_key, password_hash, created_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name_key) DO NOTHING",
        id, user.name, key, user.password_hash, epoch_millis(now));
    if (added == 0) return std::nullopt;
    insert_grants(connection, id, user.grants);
    return one_user(connection, kUserById, id);
  });
}

Result<User> SqlAccountStore::find_user(std::string_view name) {
  const auto key = user_key(name);
  if (!key) return no_such_user();  // nobody can be called so
  return database_->read(
      [&](Connection& connection) { return one_user(connection, kUserByKey, *key); });
}

Result<User> SqlAccountStore::user(std::string_view id) {
  return database_->read(
      [&](Connection& connection) { return one_user(connection, kUserById, id); });
}

Result<AccountStore::Page> SqlAccountStore::users(std::string_view after, std::size_t limit) {
  if (limit == 0 || limit > kMaxPage) return refuse_input("a page has 1 to 200 users");
  return database_->read([&](Connection& connection) -> Result<Page> {
    Page out;
    auto rows = connection.query(kUserPage, after, static_cast<std::int64_t>(limit) + 1);
    while (rows.step()) {
      if (out.users.size() == limit) {
        out.next = user_key(out.users.back().name).value_or(std::string());
        break;
      }
      out.users.push_back(user_in(connection, rows));
    }
    return out;
  });
}

Result<Credentials> SqlAccountStore::credentials(std::string_view id) {
  return database_->read([&](Connection& connection) -> Result<Credentials> {
    auto row = connection.query(
        "SELECT password_hash, totp_secret IS NOT NULL, totp_secret, totp_confirmed, "
        "totp_last_step, (SELECT count(*) FROM recovery_codes WHERE user_id = ?1) "
        "FROM users WHERE id = ?1",
        id);
    if (!row.step()) return no_such_user();
    Credentials out;
    out.password_hash = row.text(0);
    if (row.number(1) != 0) {
      out.totp = {
          .sealed = row.text(2), .confirmed = row.number(3) != 0, .last_step = row.number(4)};
    }
    out.recovery_codes_left = static_cast<std::uint32_t>(row.number(5));
    return out;
  });
}

Result<void> SqlAccountStore::set_password(std::string_view id, std::string_view hash,
                                           WallTime now) {
  if (auto good = check_hash(hash); !good) return std::unexpected(good.error());
  return database_->write([&](Connection& connection) -> Result<void> {
    connection.run("UPDATE users SET password_hash = ?2 WHERE id = ?1", id, hash);
    TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, id, now));
    return {};
  });
}

Result<std::optional<User>> SqlAccountStore::replace_password(const User& user,
                                                              std::string_view hash, WallTime now) {
  if (auto good = check_hash(hash); !good) return std::unexpected(good.error());
  return database_->write([&](Connection& connection) -> Result<std::optional<User>> {
    TRY(const bool as_found, is_as_found(connection, user));
    if (!as_found) return std::nullopt;
    connection.run("UPDATE users SET password_hash = ?2 WHERE id = ?1", user.id, hash);
    TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, user.id, now));
    return one_user(connection, kUserById, user.id);
  });
}

Result<bool> SqlAccountStore::rehash_password(std::string_view id, std::string_view old_hash,
                                              std::string_view hash) {
  if (auto good = check_hash(hash); !good) return std::unexpected(good.error());
  return database_->write([&](Connection& connection) {
    return made(
        connection, id,
        connection.run("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2",
                       id, old_hash, hash));
  });
}

Result<void> SqlAccountStore::disable(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<void> {
    connection.run("UPDATE users SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1", id,
                   epoch_millis(now));
    TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, id, now));
    return {};
  });
}

Result<void> SqlAccountStore::enable(std::string_view id) {
  return database_->write([&](Connection& connection) {
    return must_be_made(connection.run("UPDATE users SET disabled_at = NULL WHERE id = ?1", id));
  });
}

Result<void> SqlAccountStore::remove_user(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<void> {
    // Tokens may have been issued for the second ahead, where sessions were ended in this one.
    TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, id, now));
    return must_be_made(connection.run("DELETE FROM users WHERE id = ?1", id));
  });
}

Result<void> SqlAccountStore::set_grants(std::string_view id, std::span<const Grant> grants,
                                         WallTime now) {
  if (auto good = check_grants(grants); !good) return good;
  return database_->write([&](Connection& connection) -> Result<void> {
    if (auto there = require_user(connection, id); !there) return there;
    connection.run("DELETE FROM grants WHERE user_id = ?1", id);
    insert_grants(connection, id, grants);
    TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, id, now));
    return {};
  });
}

Result<void> SqlAccountStore::note_login(std::string_view id, std::string_view network,
                                         WallTime now) {
  if (network.size() > kMaxHashBytes) return refuse_input("the hash of a network is too long");
  return database_->write([&](Connection& connection) -> Result<void> {
    auto noted = must_be_made(
        connection.run("UPDATE users SET last_login_at = ?2, failed_logins = 0 WHERE id = ?1", id,
                       epoch_millis(now)));
    if (!noted || network.empty()) return noted;
    connection.run(
        "INSERT INTO login_networks (user_id, network, used_at) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (user_id, network) DO UPDATE SET used_at = excluded.used_at",
        id, sql::Blob{network}, epoch_millis(now));
    connection.run(
        "DELETE FROM login_networks WHERE user_id = ?1 AND network NOT IN (SELECT network FROM "
        "login_networks WHERE user_id = ?1 ORDER BY used_at DESC, network LIMIT ?2)",
        id, static_cast<std::int64_t>(kMaxNetworksOfUser));
    return {};
  });
}

Result<bool> SqlAccountStore::knows_network(std::string_view id, std::string_view network) {
  return database_->read([&](Connection& connection) -> Result<bool> {
    return connection
        .query("SELECT 1 FROM login_networks WHERE user_id = ?1 AND network = ?2", id,
               sql::Blob{network})
        .step();
  });
}

Result<std::uint32_t> SqlAccountStore::note_failed_login(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<std::uint32_t> {
    auto row = connection.query(
        "UPDATE users SET last_failed_login_at = ?2, failed_logins = CASE WHEN failed_logins < "
        "4294967295 "
        "THEN failed_logins + 1 ELSE failed_logins END WHERE id = ?1 RETURNING failed_logins",
        id, epoch_millis(now));
    if (!row.step()) return no_such_user();
    return static_cast<std::uint32_t>(row.number(0));
  });
}

Result<WallTime> SqlAccountStore::end_sessions(std::string_view id, WallTime now) {
  return database_->write(
      [&](Connection& connection) { return end_sessions_of(connection, id, now); });
}

}  // namespace portcullis::identity

// API keys of SqlAccountStore.
#include "base/text.hpp"
#include "identity/sql_account_store.hpp"
#include "identity/sql_accounts.hpp"

namespace portcullis::identity {
namespace {

using namespace sql_accounts;
using sql::Blob;
using sql::Connection;
using sql::Query;

#define PORTCULLIS_KEY_SELECT                                                           \
  "SELECT k.id, k.prefix, k.hash, k.name, k.owner_id, k.scopes, k.site, k.created_at, " \
  "k.expires_at, k.requests_per_minute, k.last_used_at, k.revoked_at, "                 \
  "u.disabled_at IS NOT NULL FROM api_keys k JOIN users u ON u.id = k.owner_id "

constexpr std::string_view kKeyByPrefix = PORTCULLIS_KEY_SELECT "WHERE k.prefix = ?1";
constexpr std::string_view kKeysOfAll =
    PORTCULLIS_KEY_SELECT "WHERE k.id > ?1 ORDER BY k.id LIMIT ?2";
constexpr std::string_view kKeysOfOwner =
    PORTCULLIS_KEY_SELECT "WHERE k.id > ?1 AND k.owner_id = ?3 ORDER BY k.id LIMIT ?2";

#undef PORTCULLIS_KEY_SELECT

/// A scope has no space in it.
std::string joined(const std::vector<std::string>& scopes) {
  std::string out;
  for (const auto& scope : scopes) {
    if (!out.empty()) out += ' ';
    out += scope;
  }
  return out;
}

std::vector<std::string> split(std::string_view scopes) {
  std::vector<std::string> out;
  for (const auto scope : text::split_list(scopes, ' ')) out.emplace_back(scope);
  return out;
}

ApiKey key_in(const Query& row) {
  ApiKey out;
  out.id = row.text(0);
  out.prefix = row.text(1);
  out.hash = row.text(2);
  out.name = row.text(3);
  out.owner = row.text(4);
  out.scopes = split(row.text(5));
  out.site = row.text(6);
  out.created = time_of(row.number(7));
  out.expires = maybe_time(row, 8);
  if (const auto limit = row.maybe_number(9)) {
    out.requests_per_minute = static_cast<std::uint32_t>(*limit);
  }
  out.last_used = maybe_time(row, 10);
  out.revoked = maybe_time(row, 11);
  out.owner_disabled = row.number(12) != 0;
  return out;
}

/// Revoked keys are kept to be read about, as many as may be in use.
void forget_oldest_revoked(Connection& connection, std::string_view owner) {
  connection.run(
      "DELETE FROM api_keys WHERE owner_id = ?1 AND revoked_at IS NOT NULL AND id NOT IN "
      "(SELECT id FROM api_keys WHERE owner_id = ?1 AND revoked_at IS NOT NULL "
      "ORDER BY revoked_at DESC LIMIT ?2)",
      owner, static_cast<std::int64_t>(kMaxKeysOfUser));
}

bool has_room(Connection& connection, std::string_view owner) {
  auto row = connection.query(
      "SELECT count(*) FROM api_keys WHERE owner_id = ?1 AND revoked_at IS NULL", owner);
  return row.step() && row.number(0) < static_cast<std::int64_t>(kMaxKeysOfUser);
}

bool insert_key(Connection& connection, const ApiKey& key) {
  std::optional<std::int64_t> limit;
  if (key.requests_per_minute) limit = *key.requests_per_minute;
  return connection.run(
             "INSERT INTO api_keys (id, prefix, hash, name, owner_id, scopes, site, created_at, "
             "expires_at, requests_per_minute) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
             "ON CONFLICT (prefix) DO NOTHING",
             key.id, key.prefix, Blob{key.hash}, key.name, key.owner, joined(key.scopes), key.site,
             epoch_millis(key.created), maybe_millis(key.expires), limit) > 0;
}

Result<void> must_be_key(std::int64_t changes) {
  if (changes == 0) return fail(ErrorCode::not_found, "there is no such key");
  return {};
}

}  // namespace

Result<bool> SqlAccountStore::add_api_key(const ApiKey& key) {
  if (auto good = check(key); !good) return std::unexpected(good.error());
  return database_->write([&](Connection& connection) -> Result<bool> {
    if (auto there = require_user(connection, key.owner); !there) {
      return std::unexpected(there.error());
    }
    forget_oldest_revoked(connection, key.owner);
    if (!has_room(connection, key.owner)) {
      return fail(ErrorCode::exhausted, "a user has at most 100 keys", ErrorOrigin::client);
    }
    return insert_key(connection, key);
  });
}

Result<ApiKey> SqlAccountStore::find_api_key(std::string_view prefix) {
  return database_->read([&](Connection& connection) -> Result<ApiKey> {
    auto row = connection.query(kKeyByPrefix, prefix);
    if (!row.step()) return fail(ErrorCode::not_found, "there is no such key");
    return key_in(row);
  });
}

Result<std::vector<ApiKey>> SqlAccountStore::api_keys(std::optional<std::string_view> owner,
                                                      std::string_view after, std::size_t limit) {
  if (limit == 0 || limit > kMaxPage) return refuse_input("a page has 1 to 200 keys");
  return database_->read([&](Connection& connection) -> Result<std::vector<ApiKey>> {
    const auto count = static_cast<std::int64_t>(limit);
    auto rows = owner ? connection.query(kKeysOfOwner, after, count, *owner)
                      : connection.query(kKeysOfAll, after, count);
    std::vector<ApiKey> out;
    while (rows.step()) out.push_back(key_in(rows));
    return out;
  });
}

Result<void> SqlAccountStore::revoke_api_key(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) {
    return must_be_key(
        connection.run("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                       id, epoch_millis(now)));
  });
}

Result<void> SqlAccountStore::touch_api_key(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) {
    return must_be_key(connection.run(
        "UPDATE api_keys SET last_used_at = CASE WHEN last_used_at > ?2 THEN last_used_at ELSE ?2 "
        "END WHERE id = ?1",
        id, epoch_millis(now)));
  });
}

}  // namespace portcullis::identity

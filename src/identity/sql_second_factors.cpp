// One-time passwords and recovery codes of SqlAccountStore.
#include <algorithm>

#include "identity/recovery_codes.hpp"
#include "identity/sql_account_store.hpp"
#include "identity/sql_accounts.hpp"

namespace portcullis::identity {

using namespace sql_accounts;
using sql::Blob;
using sql::Connection;

Result<bool> SqlAccountStore::enrol_totp(std::string_view id, std::string_view sealed) {
  if (sealed.empty() || sealed.size() > kMaxSealedTotpBytes) {
    return refuse_input("a sealed secret has 1 to 128 bytes");
  }
  return database_->write([&](Connection& connection) {
    return made(connection, id,
                connection.run("UPDATE users SET totp_secret = ?2, totp_last_step = 0 "
                               "WHERE id = ?1 AND NOT totp_confirmed",
                               id, Blob{sealed}));
  });
}

Result<bool> SqlAccountStore::confirm_totp(std::string_view id, std::int64_t step, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<bool> {
    TRY(const bool confirmed,
        made(connection, id,
             connection.run("UPDATE users SET totp_confirmed = TRUE, totp_last_step = ?2 "
                            "WHERE id = ?1 AND NOT totp_confirmed AND totp_secret IS NOT NULL",
                            id, step)));
    if (confirmed) {
      TRY([[maybe_unused]] const auto valid_from, end_sessions_of(connection, id, now));
    }
    return confirmed;
  });
}

Result<void> SqlAccountStore::remove_totp(std::string_view id) {
  return database_->write([&](Connection& connection) -> Result<void> {
    connection.run("DELETE FROM recovery_codes WHERE user_id = ?1", id);
    return must_be_made(
        connection.run("UPDATE users SET totp_secret = NULL, totp_confirmed = FALSE, "
                       "totp_last_step = 0 WHERE id = ?1",
                       id));
  });
}

Result<bool> SqlAccountStore::advance_totp(std::string_view id, std::int64_t step) {
  return database_->write([&](Connection& connection) {
    return made(connection, id,
                connection.run("UPDATE users SET totp_last_step = ?2 "
                               "WHERE id = ?1 AND totp_confirmed AND totp_last_step < ?2",
                               id, step));
  });
}

Result<void> SqlAccountStore::store_recovery_codes(std::string_view id,
                                                   std::span<const std::string> hashes) {
  const auto is_hash = [](const std::string& hash) {
    return !hash.empty() && hash.size() <= kMaxHashBytes;
  };
  if (hashes.size() > RecoveryCodes::kCount || !std::ranges::all_of(hashes, is_hash)) {
    return refuse_input("a user has at most ten hashes of recovery codes");
  }
  return database_->write([&](Connection& connection) -> Result<void> {
    if (auto there = require_user(connection, id); !there) return there;
    connection.run("DELETE FROM recovery_codes WHERE user_id = ?1", id);
    for (const auto& hash : hashes) {
      connection.run(
          "INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING", id,
          Blob{hash});
    }
    return {};
  });
}

Result<bool> SqlAccountStore::consume_recovery_code(std::string_view id, std::string_view hash) {
  return database_->write([&](Connection& connection) {
    return made(connection, id,
                connection.run("DELETE FROM recovery_codes WHERE user_id = ?1 AND hash = ?2", id,
                               Blob{hash}));
  });
}

}  // namespace portcullis::identity

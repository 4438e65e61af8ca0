// Families of refresh tokens of SqlAccountStore.
#include "identity/sql_account_store.hpp"
#include "identity/sql_accounts.hpp"

namespace portcullis::identity {
namespace {

using namespace sql_accounts;
using sql::Connection;
using Outcome = Rotation::Outcome;

std::optional<RefreshFamily> family_of(Connection& connection, std::string_view id) {
  auto row = connection.query(
      "SELECT id, user_id, generation, opened_at, rotated_at, expires_at, revoked_at "
      "FROM refresh_families WHERE id = ?1",
      id);
  if (!row.step()) return std::nullopt;
  return RefreshFamily{.id = row.text(0),
                       .user = row.text(1),
                       .generation = static_cast<std::uint32_t>(row.number(2)),
                       .opened = time_of(row.number(3)),
                       .rotated = time_of(row.number(4)),
                       .expires = time_of(row.number(5)),
                       .revoked = maybe_time(row, 6)};
}

/// Why a family is not rotated, if it is not. A generation that has not been yet is as bad as one
/// that was: the store was put back to an earlier state, and what was issued since is not known.
Outcome outcome_for(const std::optional<RefreshFamily>& family, std::uint32_t generation,
                    WallTime now) {
  if (!family) return Outcome::unknown;
  if (family->revoked) return Outcome::revoked;
  if (family->expires <= now) return Outcome::expired;
  return family->generation == generation ? Outcome::rotated : Outcome::reused;
}

/// Leaves room for one more.
void forget_oldest_families(Connection& connection, std::string_view user) {
  connection.run(
      "DELETE FROM refresh_families WHERE user_id = ?1 AND id NOT IN (SELECT id FROM "
      "refresh_families WHERE user_id = ?1 ORDER BY revoked_at IS NULL DESC, rotated_at DESC, id "
      "LIMIT ?2)",
      user, static_cast<std::int64_t>(kMaxFamiliesOfUser) - 1);
}

}  // namespace

Result<bool> SqlAccountStore::open_family(const User& user, std::string_view id, WallTime expires,
                                          WallTime now) {
  if (!is_name(id)) return refuse_input("the id of a family has another form");
  if (expires <= now) return refuse_input("a family expires after now");
  return database_->write([&](Connection& connection) -> Result<bool> {
    TRY(const bool may_log_in, is_as_found(connection, user));
    if (!may_log_in) return false;
    forget_oldest_families(connection, user.id);
    const auto opened = connection.run(
        "INSERT INTO refresh_families (id, user_id, opened_at, rotated_at, expires_at) "
        "VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        id, user.id, epoch_millis(now), epoch_millis(expires));
    if (opened == 0) return refuse_input("there is a family of this id");
    return true;
  });
}

Result<Rotation> SqlAccountStore::rotate_family(std::string_view id, std::uint32_t generation,
                                                WallTime now) {
  return database_->write([&](Connection& connection) -> Result<Rotation> {
    auto family = family_of(connection, id);
    const auto outcome = outcome_for(family, generation, now);
    if (!family) return Rotation{};
    if (outcome == Outcome::rotated) {
      connection.run(
          "UPDATE refresh_families SET generation = generation + 1, rotated_at = ?2 WHERE id = ?1",
          id, epoch_millis(now));
      ++family->generation;
      family->rotated = time_of(epoch_millis(now));
    }
    return Rotation{.outcome = outcome, .family = *std::move(family)};
  });
}

Result<void> SqlAccountStore::revoke_family(std::string_view id, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<void> {
    const auto changed = connection.run(
        "UPDATE refresh_families SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", id,
        epoch_millis(now));
    // One that was forgotten to make room has tokens all the same.
    if (changed > 0 || !family_of(connection, id)) {
      note_revocation(connection, revoked_id(RevocableKind::login, id, now));
    }
    return {};
  });
}

Result<void> SqlAccountStore::revoke_families(std::string_view user, WallTime now) {
  return database_->write([&](Connection& connection) -> Result<void> {
    if (auto there = require_user(connection, user); !there) return there;
    std::vector<std::string> logins;
    {
      auto rows = connection.query(
          "SELECT id FROM refresh_families WHERE user_id = ?1 AND revoked_at IS NULL", user);
      while (rows.step()) logins.push_back(rows.text(0));
    }
    for (const auto& login : logins) {
      note_revocation(connection, revoked_id(RevocableKind::login, login, now));
    }
    revoke_families_of(connection, user, now);
    return {};
  });
}

Result<std::size_t> SqlAccountStore::purge_families(WallTime now) {
  return database_->write([&](Connection& connection) -> Result<std::size_t> {
    return static_cast<std::size_t>(
        connection.run("DELETE FROM refresh_families WHERE expires_at <= ?1", epoch_millis(now)));
  });
}

}  // namespace portcullis::identity

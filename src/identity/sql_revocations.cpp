// What was revoked before its time, of SqlAccountStore.
#include "identity/sql_account_store.hpp"
#include "identity/sql_accounts.hpp"

namespace portcullis::identity {

using namespace sql_accounts;
using sql::Connection;

Result<void> SqlAccountStore::revoke_token(std::string_view id, WallTime now) {
  if (!is_token_id(id)) return refuse_input("the id of a token has another form");
  return database_->write([&](Connection& connection) -> Result<void> {
    note_revocation(connection, revoked_id(RevocableKind::token, id, now));
    return {};
  });
}

Result<void> SqlAccountStore::revoke_tokens_of(std::string_view subject, WallTime since) {
  if (subject.empty() || subject.size() > kMaxSubjectBytes) {
    return refuse_input("a subject has 1 to 264 bytes");
  }
  return database_->write([&](Connection& connection) -> Result<void> {
    note_revocation(connection, revoked_user(subject, since));
    return {};
  });
}

Result<std::vector<RevokedCredentials>> SqlAccountStore::revocations(std::int64_t after,
                                                                     std::size_t limit) {
  if (limit == 0 || limit > kMaxPage) return refuse_input("a page has 1 to 200 revocations");
  return database_->read([&](Connection& connection) -> Result<std::vector<RevokedCredentials>> {
    auto rows = connection.query(
        "SELECT number, kind, revoked_id, since, until FROM revocations WHERE number > ?1 "
        "ORDER BY number LIMIT ?2",
        after, static_cast<std::int64_t>(limit));
    std::vector<RevokedCredentials> out;
    while (rows.step()) {
      out.push_back({.number = rows.number(0),
                     .kind = static_cast<RevocableKind>(rows.number(1)),
                     .id = rows.text(2),
                     .since = time_of(rows.number(3)),
                     .until = time_of(rows.number(4))});
    }
    return out;
  });
}

Result<std::size_t> SqlAccountStore::purge_revocations(WallTime now) {
  return database_->write([&](Connection& connection) -> Result<std::size_t> {
    return static_cast<std::size_t>(
        connection.run("DELETE FROM revocations WHERE until <= ?1", epoch_millis(now)));
  });
}

Result<std::int64_t> SqlAccountStore::version() { return database_->version(); }

}  // namespace portcullis::identity

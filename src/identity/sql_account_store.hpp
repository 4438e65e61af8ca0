#pragma once
#include <memory>
#include <utility>

#include "identity/account_store.hpp"
#include "sql/database.hpp"

namespace portcullis::identity {

/// Accounts in tables of a database: all rules of AccountStore, for whichever database keeps them.
/// That of several writers one is at work (sql::Database) is what they rest on.
///
/// Threads: any.
class SqlAccountStore final : public AccountStore {
 public:
  explicit SqlAccountStore(std::unique_ptr<sql::Database> database)
      : database_(std::move(database)) {}

  Result<std::optional<User>> add_user(const NewUser& user, WallTime now) override;
  Result<User> find_user(std::string_view name) override;
  Result<User> user(std::string_view id) override;
  Result<Page> users(std::string_view after, std::size_t limit) override;
  Result<Credentials> credentials(std::string_view id) override;
  Result<void> set_password(std::string_view id, std::string_view hash, WallTime now) override;
  Result<std::optional<User>> replace_password(const User& user, std::string_view hash,
                                               WallTime now) override;
  Result<bool> rehash_password(std::string_view id, std::string_view old_hash,
                               std::string_view hash) override;
  Result<void> disable(std::string_view id, WallTime now) override;
  Result<void> enable(std::string_view id) override;
  Result<void> remove_user(std::string_view id, WallTime now) override;
  Result<void> set_grants(std::string_view id, std::span<const Grant> grants,
                          WallTime now) override;

  Result<void> note_login(std::string_view id, std::string_view network, WallTime now) override;
  Result<bool> knows_network(std::string_view id, std::string_view network) override;
  Result<std::uint32_t> note_failed_login(std::string_view id, WallTime now) override;
  Result<WallTime> end_sessions(std::string_view id, WallTime now) override;

  Result<bool> enrol_totp(std::string_view id, std::string_view sealed) override;
  Result<bool> confirm_totp(std::string_view id, std::int64_t step, WallTime now) override;
  Result<void> remove_totp(std::string_view id) override;
  Result<bool> advance_totp(std::string_view id, std::int64_t step) override;
  Result<void> store_recovery_codes(std::string_view id,
                                    std::span<const std::string> hashes) override;
  Result<bool> consume_recovery_code(std::string_view id, std::string_view hash) override;

  Result<bool> open_family(const User& user, std::string_view id, WallTime expires,
                           WallTime now) override;
  Result<Rotation> rotate_family(std::string_view id, std::uint32_t generation,
                                 WallTime now) override;
  Result<void> revoke_family(std::string_view id, WallTime now) override;
  Result<void> revoke_families(std::string_view user, WallTime now) override;
  Result<std::size_t> purge_families(WallTime now) override;

  Result<void> revoke_token(std::string_view id, WallTime now) override;
  Result<void> revoke_tokens_of(std::string_view name_key, WallTime since) override;
  Result<std::vector<RevokedCredentials>> revocations(std::int64_t after,
                                                      std::size_t limit) override;
  Result<std::size_t> purge_revocations(WallTime now) override;
  Result<std::int64_t> version() override;

  Result<bool> add_api_key(const ApiKey& key) override;
  Result<ApiKey> find_api_key(std::string_view prefix) override;
  Result<std::vector<ApiKey>> api_keys(std::optional<std::string_view> owner,
                                       std::string_view after, std::size_t limit) override;
  Result<void> revoke_api_key(std::string_view id, WallTime now) override;
  Result<void> touch_api_key(std::string_view id, WallTime now) override;

 private:
  const std::unique_ptr<sql::Database> database_;
};

}  // namespace portcullis::identity

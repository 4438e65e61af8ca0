#pragma once
#include <filesystem>
#include <memory>

#include "config/settings.hpp"
#include "identity/account_store.hpp"
#include "identity/logins.hpp"
#include "identity/user_tokens.hpp"

/// What the settings say of users: for the server and for the command line alike.
namespace portcullis::identity {

/// A file of keys, at most 64 KiB. It blocks.
Result<std::string> read_key_file(const std::string& path);

/// Where accounts are kept.
std::filesystem::path accounts_file(const config::Settings& settings);

/// Opens what is there, made with its folder where it is missing. An error names the file.
Result<std::unique_ptr<AccountStore>> open_account_store(const config::Settings& settings);

/// Reads the key files. Refresh tokens have keys of their own, from the session secrets.
/// @returns what is wrong with a key. REQUIRES: settings.has_users(), and session secrets.
Result<UserTokens> user_tokens_of(const config::Settings& settings);

Passwords::Rules password_rules_of(const config::Settings& settings);
Logins::Rules login_rules_of(const config::Settings& settings);

}  // namespace portcullis::identity

#pragma once
#include <filesystem>
#include <memory>

#include "config/settings.hpp"
#include "identity/account_store.hpp"
#include "identity/foreign_tokens.hpp"
#include "identity/logins.hpp"
#include "identity/role_map.hpp"
#include "identity/user_tokens.hpp"

/// What the settings say of users: for the server and for the command line alike.
namespace portcullis::identity {

/// A file of keys, at most 64 KiB. It blocks.
Result<std::string> read_key_file(const std::string& path);

/// Where accounts are kept without a DATABASE_URL.
std::filesystem::path accounts_file(const config::Settings& settings);

/// The accounts of DATABASE_URL, whose server need not be there yet; else those of the file, made
/// with its folder where it is missing. An error names the file.
Result<std::unique_ptr<AccountStore>> open_account_store(const config::Settings& settings);

/// Reads the key files. Refresh tokens have keys of their own, from the session secrets.
/// @returns what is wrong with a key. REQUIRES: settings.has_users(), and session secrets.
Result<UserTokens> user_tokens_of(const config::Settings& settings);

/// How tokens of the OpenID provider are judged, and what its groups mean.
/// REQUIRES: there is a provider.
Result<RoleMap> role_map_of(const config::Settings& settings);
ForeignTokens::Rules provider_rules_of(const config::Settings& settings, const RoleMap& roles);

Passwords::Rules password_rules_of(const config::Settings& settings);
Logins::Rules login_rules_of(const config::Settings& settings);

}  // namespace portcullis::identity

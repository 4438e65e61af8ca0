#pragma once
#include <memory>
#include <string>
#include <vector>

#include "commands/command.hpp"
#include "config/settings.hpp"
#include "identity/account_store.hpp"

namespace portcullis::commands {

/// The accounts that the server of this configuration has, also while it runs: it looks for changes
/// twice a second.
struct Accounts {
  config::Settings settings;  ///< with the secrets that development makes for itself
  std::unique_ptr<identity::AccountStore> store;
  WallTime now;
};

/// Reads environment and `file` ("": none) as serve does and opens the store.
/// @returns what `work` returns; kFailed where it is an error, which is printed; kBadUsage where
/// the
///          configuration has errors.
int with_accounts(const std::string& file, const Streams& streams,
                  const std::function<Result<ExitStatus>(Accounts&)>& work);

/// Errors name who was looked for.
Result<identity::User> user_named(Accounts& accounts, const std::string& name);

/// Says of grants for sites that the configuration does not have: they open nothing yet.
void warn_of_unknown_sites(const Accounts& accounts, std::span<const identity::Grant> grants,
                           std::ostream& err);

}  // namespace portcullis::commands

#pragma once
#include <memory>

#include "identity/account_store.hpp"
#include "sqlite/database.hpp"

namespace portcullis::identity {

/// Accounts in an SQLite file (sqlite::Database says how it is kept). The server and the command
/// line may have it open at once; several nodes may not share it.
///
/// Cost: among ten thousand users to find one 3 us, to rotate a family 70 us of processor time and
///       an fsync, to open the file 2.5 ms.
Result<std::unique_ptr<AccountStore>> open_sqlite_accounts(const sqlite::Options& options);

}  // namespace portcullis::identity

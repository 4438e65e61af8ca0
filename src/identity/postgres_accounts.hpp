#pragma once
#include <memory>

#include "identity/account_store.hpp"
#include "postgres/database.hpp"

namespace portcullis::identity {

/// Accounts in a PostgreSQL database (postgres::Database says how it is used), which several nodes
/// share. The server need not be there yet: then calls fail until it is.
std::unique_ptr<AccountStore> make_postgres_accounts(postgres::Options options);

}  // namespace portcullis::identity

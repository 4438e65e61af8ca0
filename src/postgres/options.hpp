#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/database_url.hpp"

namespace portcullis::postgres {

struct Options {
  /// By libpq's names, such as host, user and sslmode. What is not here libpq takes from its own
  /// environment variables (PGSSLCRL …).
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string name;  ///< of the database, for errors: no secret
  Milliseconds connect_timeout{2'000};
  Milliseconds deadline{3'000};  ///< of a call, from the wait for a connection to the commit
  Milliseconds migration_deadline{30'000};
  unsigned connections = 4;

  static Options of(const config::DatabaseUrl& url);
};

/// How the tables of one part of the program came to be. Several parts may live in one database.
struct Schema {
  std::string part;
  /// Statement lists; the first makes version 1, each further one the next version. What has been
  /// released is never changed.
  std::span<const char* const> migrations;
};

}  // namespace portcullis::postgres

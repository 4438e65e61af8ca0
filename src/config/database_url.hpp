#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "config/url_server.hpp"

namespace portcullis::config {

/// `postgresql://[user][:password]@host[:port][,host[:port]…]/database[?parameter=value&…]`, also
/// as `postgres://` and as SQLAlchemy writes it, `postgresql+asyncpg://`. Several servers are those
/// of one cluster, of which the one that takes writes is asked.
///
/// Parameters: sslmode (asyncpg's `ssl` means the same), sslrootcert, sslcert, sslkey,
/// connect_timeout in seconds, and for a URL without a host `host`, the folder of a socket, and
/// then its `port`.
/// Source: PostgreSQL documentation, section 34.1.1.2. All parts are percent-decoded.
struct DatabaseUrl {
  std::vector<UrlServer> servers;  ///< at least one; the host may be a folder
  std::string user;
  std::string password;
  std::string database;
  std::string sslmode = "prefer";
  std::string sslrootcert;
  std::string sslcert;
  std::string sslkey;
  Milliseconds connect_timeout{2'000};

  /// @returns what is wrong, without repeating any of it: it may hold a password.
  static std::expected<DatabaseUrl, std::string> parse(std::string_view url);

  /// Whether all of its servers are on this machine.
  bool is_local() const;
  /// Whether TLS is spoken or nothing.
  bool is_encrypted() const { return sslmode == "require" || sslmode.starts_with("verify-"); }
};

/// The fault of the setting; an empty URL has none.
std::optional<std::string> database_url_fault(std::string_view url);

}  // namespace portcullis::config

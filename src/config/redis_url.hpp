#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/url_server.hpp"

namespace portcullis::config {

/// `redis://[user][:password]@host[:port][,host[:port]…][/database]`, `rediss://` over TLS. Several
/// are servers of one cluster.
///
/// Source: the URI scheme that redis-cli and client libraries share. User and password are
/// percent-decoded.
struct RedisUrl {
  std::vector<UrlServer> servers;  ///< at least one
  bool tls = false;
  std::string user;
  std::string password;
  int database = 0;

  /// @returns what is wrong, without repeating any of it: it may hold a password.
  static std::expected<RedisUrl, std::string> parse(std::string_view url);
};

/// The faults of settings; an empty URL has none.
std::optional<std::string> redis_url_fault(std::string_view url);
std::optional<std::string> redis_prefix_fault(std::string_view prefix);

}  // namespace portcullis::config

#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::config {

/// `redis://[user][:password]@host[:port][/database]`, `rediss://` over TLS.
///
/// Source: the URI scheme that redis-cli and client libraries share. User and password are
/// percent-decoded.
struct RedisUrl {
  std::string host;  ///< without brackets
  std::uint16_t port = 6379;
  bool tls = false;
  std::string user;
  std::string password;
  int database = 0;

  /// @returns what is wrong, without repeating any of it: it may hold a password.
  static std::expected<RedisUrl, std::string> parse(std::string_view url);
};

/// The fault of a setting; an empty one is none.
std::optional<std::string> redis_url_fault(std::string_view url);

}  // namespace portcullis::config

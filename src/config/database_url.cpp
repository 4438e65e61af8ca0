#include "config/database_url.hpp"

#include <algorithm>
#include <array>

#include "base/origin.hpp"
#include "base/text.hpp"

namespace portcullis::config {
namespace {

using Fault = std::optional<std::string>;

constexpr std::uint16_t kDefaultPort = 5432;
constexpr std::size_t kMostServers = 16;
constexpr int kMostTimeout = 10;
constexpr std::array<std::string_view, 4> kSchemes{"postgresql://", "postgres://",
                                                   "postgresql+asyncpg://", "postgres+asyncpg://"};
constexpr std::array<std::string_view, 6> kModes{"disable", "allow",     "prefer",
                                                 "require", "verify-ca", "verify-full"};

/// Without a NUL, which would end it early.
std::optional<std::string> decoded(std::string_view text) {
  auto out = text::percent_decode(text);
  if (out && out->contains('\0')) return std::nullopt;
  return out;
}

Fault take_credentials(DatabaseUrl& out, std::string_view text) {
  const auto colon = text.find(':');
  const auto user = decoded(text.substr(0, colon));
  const auto password =
      decoded(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
  if (!user || !password) return "has a bad %-escape in user or password";
  out.user = *user;
  out.password = *password;
  return std::nullopt;
}

Fault take_servers(DatabaseUrl& out, std::string_view text) {
  for (const auto server : text::split_list(text)) {
    auto parsed = UrlServer::parse(server, kDefaultPort);
    if (!parsed) return parsed.error();
    out.servers.push_back(*std::move(parsed));
  }
  if (out.servers.size() > kMostServers) return "names more than 16 servers";
  return std::nullopt;
}

Fault take_parameter(DatabaseUrl& out, std::string_view name, const std::string& value) {
  if (name == "sslmode" || name == "ssl") {
    if (std::ranges::find(kModes, value) == kModes.end()) {
      return "has an sslmode that is none of disable, allow, prefer, require, verify-ca and "
             "verify-full";
    }
    out.sslmode = value;
  } else if (name == "sslrootcert") {
    out.sslrootcert = value;
  } else if (name == "sslcert") {
    out.sslcert = value;
  } else if (name == "sslkey") {
    out.sslkey = value;
  } else if (name == "connect_timeout") {
    const auto seconds = text::parse_number<int>(value);
    if (!seconds || *seconds < 1 || *seconds > kMostTimeout) {
      return "has a connect_timeout that is no number of seconds from 1 to 10";
    }
    out.connect_timeout = Seconds{*seconds};
  } else if (name == "host") {
    if (!out.servers.empty()) return "names a host twice";
    if (!value.starts_with('/') || value.contains(',')) return "has a host= that is no folder";
    out.servers.push_back({.host = value, .port = kDefaultPort});
  } else if (name == "port") {
    const auto port = text::parse_number<std::uint16_t>(value);
    if (!port || *port == 0) return "has a port that is no number from 1 to 65535";
    if (out.servers.size() != 1) return "has a port= that does not follow its host=";
    out.servers.front().port = *port;
  } else {
    return "has a parameter other than sslmode, sslrootcert, sslcert, sslkey, connect_timeout, "
           "host and port";
  }
  return std::nullopt;
}

Fault take_parameters(DatabaseUrl& out, std::string_view text) {
  for (const auto pair : text::split_list(text, '&')) {
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return "has a parameter without a value";
    const auto value = decoded(pair.substr(equals + 1));
    if (!value) return "has a bad %-escape in a parameter";
    if (auto fault = take_parameter(out, pair.substr(0, equals), *value)) return fault;
  }
  return std::nullopt;
}

Fault take(DatabaseUrl& out, std::string_view url) {
  const auto* scheme =
      std::ranges::find_if(kSchemes, [&](auto each) { return url.starts_with(each); });
  if (scheme == kSchemes.end()) return "is no postgresql:// URL";
  url.remove_prefix(scheme->size());
  // A password may hold a question mark or slash that nobody escaped: what is before the last @
  // is the user's.
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    if (auto fault = take_credentials(out, url.substr(0, at))) return fault;
    url.remove_prefix(at + 1);
  }
  const auto question = url.find('?');
  const auto parameters =
      question == std::string_view::npos ? std::string_view{} : url.substr(question + 1);
  url = url.substr(0, question);
  const auto slash = url.find('/');
  const auto database =
      decoded(slash == std::string_view::npos ? std::string_view{} : url.substr(slash + 1));
  if (!database || database->empty()) return "names no database";
  out.database = *database;
  if (auto fault = take_servers(out, url.substr(0, slash))) return fault;
  if (auto fault = take_parameters(out, parameters)) return fault;
  if (out.servers.empty()) return kNoUrlHost;
  if (out.user.empty()) return "names no user";
  return std::nullopt;
}

}  // namespace

std::expected<DatabaseUrl, std::string> DatabaseUrl::parse(std::string_view url) {
  DatabaseUrl out;
  if (auto fault = take(out, url)) return std::unexpected(*std::move(fault));
  return out;
}

bool DatabaseUrl::is_local() const {
  return std::ranges::all_of(servers, [](const UrlServer& server) {
    return server.host.starts_with('/') || is_loopback_host(server.host);
  });
}

std::optional<std::string> database_url_fault(std::string_view url) {
  if (url.empty()) return std::nullopt;
  auto parsed = DatabaseUrl::parse(url);
  if (parsed) return std::nullopt;
  return parsed.error();
}

}  // namespace portcullis::config

#include "config/redis_url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::config {
namespace {

constexpr int kMostDatabases = 16'384;
constexpr std::size_t kMostServers = 64;

constexpr std::uint16_t kDefaultPort = 6379;

}  // namespace

std::expected<RedisUrl, std::string> RedisUrl::parse(std::string_view url) {
  RedisUrl out;
  if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("rediss://")) {
    url.remove_prefix(9);
    out.tls = true;
  } else {
    return std::unexpected("is no redis:// or rediss:// URL");
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const auto credentials = url.substr(0, at);
    const auto colon = credentials.find(':');
    const auto user = text::percent_decode(credentials.substr(0, colon));
    const auto password = text::percent_decode(
        colon == std::string_view::npos ? std::string_view{} : credentials.substr(colon + 1));
    if (!user || !password) return std::unexpected("has a bad %-escape in user or password");
    out.user = *user;
    out.password = *password;
    url.remove_prefix(at + 1);
  }
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    const auto database = url.substr(slash + 1);
    if (!database.empty()) {
      const auto number = text::parse_number<int>(database);
      if (!number || *number < 0 || *number >= kMostDatabases) {
        return std::unexpected("has a database that is no number from 0 to 16383");
      }
      out.database = *number;
    }
    url = url.substr(0, slash);
  }
  for (const auto server : text::split_list(url)) {
    auto parsed = UrlServer::parse(server, kDefaultPort);
    if (!parsed) return std::unexpected(parsed.error());
    out.servers.push_back(*std::move(parsed));
  }
  if (out.servers.empty()) return std::unexpected(kNoUrlHost);
  if (out.servers.size() > kMostServers) return std::unexpected("names more than 64 servers");
  if (out.servers.size() > 1 && out.database != 0) {
    return std::unexpected("names a cluster and a database, of which a cluster has one only");
  }
  return out;
}

std::optional<std::string> redis_url_fault(std::string_view url) {
  if (url.empty()) return std::nullopt;
  auto parsed = RedisUrl::parse(url);
  if (parsed) return std::nullopt;
  return parsed.error();
}

std::optional<std::string> redis_prefix_fault(std::string_view prefix) {
  // In a cluster braces say where a key lies.
  const bool plain = std::ranges::all_of(
      prefix, [](char c) { return c > ' ' && c < '\x7f' && c != '{' && c != '}'; });
  if (prefix.size() <= 64 && plain) return std::nullopt;
  return "is longer than 64 characters, or has spaces, braces or other strange characters";
}

}  // namespace portcullis::config

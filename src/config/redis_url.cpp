#include "config/redis_url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::config {
namespace {

constexpr int kMostDatabases = 16'384;

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return text::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

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
  std::string_view port;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos) return std::unexpected("has a [ without its ]");
    out.host = url.substr(1, end - 1);
    port = url.substr(end + 1);
  } else {
    const auto colon = url.find(':');
    out.host = url.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : url.substr(colon);
  }
  if (!is_host(out.host)) return std::unexpected("has no host, or one with strange characters");
  if (!port.empty()) {
    const auto number = text::parse_number<std::uint16_t>(port.substr(1));
    if (port.front() != ':' || !number || *number == 0) {
      return std::unexpected("has a port that is no number from 1 to 65535");
    }
    out.port = *number;
  }
  return out;
}

std::optional<std::string> redis_url_fault(std::string_view url) {
  if (url.empty()) return std::nullopt;
  auto parsed = RedisUrl::parse(url);
  if (parsed) return std::nullopt;
  return parsed.error();
}

}  // namespace portcullis::config

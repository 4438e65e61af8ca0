#include "config/url_server.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::config {
namespace {

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return text::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

}  // namespace

std::expected<UrlServer, std::string> UrlServer::parse(std::string_view text,
                                                       std::uint16_t default_port) {
  UrlServer out{.host = {}, .port = default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::unexpected("has a [ without its ]");
    out.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (!is_host(out.host)) return std::unexpected(kNoUrlHost);
  if (!port.empty()) {
    const auto number = text::parse_number<std::uint16_t>(port.substr(1));
    if (port.front() != ':' || !number || *number == 0) {
      return std::unexpected("has a port that is no number from 1 to 65535");
    }
    out.port = *number;
  }
  return out;
}

}  // namespace portcullis::config

#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace portcullis::config {

/// `host[:port]` of a URL, an IPv6 address in brackets.
struct UrlServer {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;

  /// @returns what is wrong, without repeating any of it.
  static std::expected<UrlServer, std::string> parse(std::string_view text,
                                                     std::uint16_t default_port);
};

inline constexpr const char* kNoUrlHost = "has no host, or one with strange characters";

}  // namespace portcullis::config

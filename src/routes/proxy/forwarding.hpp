#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "http/exchange.hpp"
#include "http/head_parser.hpp"

namespace portcullis::routes {

/// Why a path must not go on below a prefix: another reader could take it for one outside of it.
/// nullopt: it may.
std::optional<std::string_view> path_fault(std::string_view path) noexcept;

/// Where on a service a request goes: the path of the target, and that of the request with what
/// the route has been rewritten to.
std::string path_on(std::string_view target_path, std::string_view rewrite,
                    const http::Exchange& exchange);

/// Whose request it is, as ServiceGroup tells callers apart: of a user, a key, or an address.
std::uint64_t caller_number(const http::Exchange& exchange);

/// Of those that have one, services take a body for granted (RFC 9110 section 9.3).
bool may_have_body(http::Method method) noexcept;

/// What the operator says to a service with each request. REQUIRES: there is one of this id.
http::HeaderBlock fields_of(const config::Settings& settings, std::string_view service);

/// What of a request goes on to a service, and what of its answer goes back: end-to-end fields
/// alone, none that would tell the service something that only the gateway can say, and none that
/// the gateway says itself.
///
/// Threads: immutable; any worker.
/// Source:  RFC 9110 section 7.6, RFC 9112 section 6, RFC 7239.
class Forwarding {
 public:
  explicit Forwarding(const config::Settings& settings);

  /// Request line and fields; without how the body is framed, and without the empty line. `path`:
  /// on the service. `host`: the service's own name.
  /// `own_fields`: what the operator says to the service, which nobody else can.
  /// `answer`: whether that is to be one that can be looked into, whole and not packed.
  enum class Answer : std::uint8_t { any, readable };
  std::string request_head(const http::Exchange& exchange, std::string_view path,
                           std::string_view host, const http::HeaderBlock& own_fields,
                           Answer answer = Answer::any) const;
  http::HeaderBlock answer_fields(const http::ResponseHeadView& head) const;

 private:
  void add_cookies(std::string& out, const http::Exchange& exchange) const;

  const std::string session_cookie_;
  const std::string client_address_header_;
  const bool security_headers_;
};

}  // namespace portcullis::routes

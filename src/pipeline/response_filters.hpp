#pragma once
#include <array>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "http/exchange.hpp"
#include "pipeline/route.hpp"

namespace portcullis::pipeline {

/// Every header that does not depend on what is answered: security headers by profile and route,
/// CORS, request id, limits. Runs for each answer there is, refusals and parser errors included.
///
/// Threads: immutable; any worker.
/// Cost:    constant groups are prepared once and copied.
class ResponseFilters final : public http::ResponseFilter {
 public:
  explicit ResponseFilters(const config::Settings& settings);
  void apply(http::Exchange& exchange, http::ResponseHead& head) const override;
  /// Packs it too, where its route says so.
  void apply_whole(http::Exchange& exchange, http::Response& response) const override;

  /// The policy of a page with this nonce, or of an answer without one.
  std::string content_security_policy(HeaderPolicy policy, std::string_view nonce) const;

 private:
  void add_cors(const http::Exchange& exchange, http::HeaderBlock& out) const;
  void add_limits(const http::Exchange& exchange, http::HeaderBlock& out) const;

  const bool security_headers_;
  const bool csp_enabled_;
  const bool hsts_;
  const bool credentials_;
  const config::Profile profile_;
  const std::string report_uri_;
  const std::string default_src_, script_src_, style_src_, img_src_, connect_src_;
  const std::string captcha_src_;              ///< of the provider on the page of ours; empty: none
  std::array<http::HeaderBlock, 4> constant_;  ///< by HeaderPolicy
  http::HeaderBlock cors_;
  std::vector<OriginPattern> origins_;  ///< of all sites
};

}  // namespace portcullis::pipeline

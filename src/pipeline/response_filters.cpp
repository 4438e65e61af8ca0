#include "pipeline/response_filters.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "coding/encoder.hpp"
#include "config/captcha_values.hpp"
#include "http/fields.hpp"

namespace portcullis::pipeline {
namespace {

constexpr std::string_view kExposed =
    "X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, "
    "RateLimit-Policy, Retry-After, X-Session-Token, X-Session-Token-Hash";

/// What n8n's hosted chat page needs: its script and style stand in it, its widget comes from the
/// CDN, and it speaks to where it came from and nowhere else.
constexpr std::string_view kN8nPagePolicy =
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src "
    "'unsafe-inline' https://cdn.jsdelivr.net; font-src https://cdn.jsdelivr.net data:; img-src "
    "https: data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action "
    "'none'; frame-ancestors 'none'";

std::string choose(const std::string& configured, std::string_view profile_value) {
  return configured.empty() ? std::string(profile_value) : configured;
}

/// Our page belongs to the default site.
std::string captcha_sources_of_page(const config::Settings& settings) {
  return settings.sites.empty() ? std::string()
                                : config::captcha_sources(settings, settings.sites.front());
}

}  // namespace

ResponseFilters::ResponseFilters(const config::Settings& settings)
    : security_headers_(settings.security_headers),
      csp_enabled_(settings.csp_enabled && settings.security_headers),
      hsts_(settings.hsts_enabled && settings.security_headers && settings.production()),
      credentials_(settings.cors_allow_credentials),
      profile_(settings.profile),
      report_uri_(settings.csp_report_uri),
      default_src_(settings.csp_default_src),
      script_src_(settings.csp_script_src),
      style_src_(settings.csp_style_src),
      img_src_(settings.csp_img_src),
      connect_src_(settings.csp_connect_src),
      captcha_src_(captcha_sources_of_page(settings)) {
  for (const auto policy :
       {HeaderPolicy::api, HeaderPolicy::page, HeaderPolicy::asset, HeaderPolicy::n8n_page}) {
    auto& block = constant_[static_cast<std::size_t>(policy)];
    if (!security_headers_) continue;
    block.add("X-Content-Type-Options", "nosniff");
    block.add("X-Frame-Options", "DENY");
    block.add("X-XSS-Protection", settings.xss_protection);
    block.add("Referrer-Policy", "strict-origin-when-cross-origin");
    block.add("Permissions-Policy",
              "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), "
              "microphone=(), payment=(), usb=()");
    // The frame of a captcha does not say that others may embed it.
    const bool embeds = policy == HeaderPolicy::page && !captcha_src_.empty();
    block.add("Cross-Origin-Embedder-Policy", embeds ? "unsafe-none" : "require-corp");
    block.add("Cross-Origin-Opener-Policy", "same-origin");
    block.add("Cross-Origin-Resource-Policy",
              policy == HeaderPolicy::asset ? "cross-origin" : "same-origin");
    if (csp_enabled_ && policy != HeaderPolicy::page) {
      block.add("Content-Security-Policy", content_security_policy(policy, {}));
    }
  }
  for (const auto& site : settings.sites) {
    origins_.insert(origins_.end(), site.origins.begin(), site.origins.end());
  }
  if (credentials_) cors_.add("Access-Control-Allow-Credentials", "true");
  cors_.add("Access-Control-Expose-Headers", kExposed);
}

std::string ResponseFilters::content_security_policy(HeaderPolicy policy,
                                                     std::string_view nonce) const {
  using config::Profile;
  if (policy == HeaderPolicy::n8n_page) return std::string(kN8nPagePolicy);
  const std::string with_nonce = nonce.empty() ? "" : " 'nonce-" + std::string(nonce) + "'";
  const bool lax = profile_ == Profile::development;
  std::string script = choose(script_src_, lax ? "'self' 'unsafe-inline' 'unsafe-eval'"
                                           : profile_ == Profile::production && !nonce.empty()
                                               ? "'self' 'strict-dynamic'"
                                               : "'self'");
  std::string style =
      choose(style_src_, lax ? "'self' 'unsafe-inline' https://fonts.googleapis.com" : "'self'");
  // A nonce beside 'unsafe-inline' would switch that off in browsers.
  if (!lax) {
    script += with_nonce;
    style += with_nonce;
  }
  const std::string captcha =
      policy == HeaderPolicy::page && !captcha_src_.empty() ? " " + captcha_src_ : "";
  std::string out = "default-src " + choose(default_src_, "'self'");
  out += "; script-src " + script + captcha;
  out += "; style-src " + style + captcha;
  out += "; font-src 'self' https://fonts.gstatic.com";
  out += "; img-src " + choose(img_src_, "'self' data: https:");
  out += "; connect-src " +
         choose(connect_src_,
                lax ? "'self' ws: wss: http://localhost:* ws://localhost:*" : "'self' wss: https:");
  out += captcha;
  out += "; frame-src " + (captcha.empty() ? "'none'" : captcha_src_);
  out += "; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
  if (!lax) out += "; upgrade-insecure-requests";
  if (profile_ == Profile::production) out += "; block-all-mixed-content";
  if (!report_uri_.empty()) out += "; report-uri " + report_uri_;
  return out;
}

void ResponseFilters::apply(http::Exchange& exchange, http::ResponseHead& head) const {
  auto& out = head.headers;
  const Route* route = exchange.route;
  const HeaderPolicy policy = route == nullptr ? HeaderPolicy::api : route->headers;
  const bool has_cache_rule = out.contains("Cache-Control");
  out.reserve(out.text().size() + 2048);
  out.add_block(constant_[static_cast<std::size_t>(policy)]);
  if (csp_enabled_ && policy == HeaderPolicy::page) {
    out.add("Content-Security-Policy", content_security_policy(policy, exchange.csp_nonce));
  }
  if (hsts_ && exchange.client.https) {
    out.add("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload");
  }
  if (policy == HeaderPolicy::api && !has_cache_rule) out.add("Cache-Control", "no-store");
  out.add("X-Request-ID", exchange.request_id.view());
  // What a handler does with the cookie goes before.
  if (!exchange.fresh_token.empty() && !out.contains("Set-Cookie")) {
    out.add_block(exchange.fresh_token);
  }
  if (route != nullptr && route->kind != RouteKind::token) {
    // Whoever answered may have said with what the answer varies, and not have thought of that.
    http::add_vary(out, "Origin");
    add_cors(exchange, out);
  }
  if (!exchange.limit_state.tier.empty()) add_limits(exchange, out);
}

void ResponseFilters::apply_whole(http::Exchange& exchange, http::Response& response) const {
  apply(exchange, response);
  if (exchange.route == nullptr || !exchange.route->packs_answers || response.status != 200 ||
      response.bytes().size() < coding::kWorthPacking) {
    return;
  }
  http::add_vary(response.headers, "Accept-Encoding");
  const auto coding = http::answer_coding(exchange.head());
  if (!coding) return;
  std::string packed;
  coding::make_encoder(*coding)->put(response.bytes(), coding::Encoder::Flush::end, packed);
  response.body = std::move(packed);
  response.static_body = {};
  response.headers.add("Content-Encoding", name_of(*coding));
}

void ResponseFilters::add_cors(const http::Exchange& exchange, http::HeaderBlock& out) const {
  const auto sent = exchange.head().find("origin");
  if (!sent) return;
  if (exchange.origin) {
    out.add("Access-Control-Allow-Origin", exchange.origin->text());
  } else {
    // Refused before the origin guard had its say: a page of ours must be able to read why, or all
    // it can show is that something went wrong.
    const bool before = !exchange.error_code.empty() && exchange.refused_by != "origin";
    const auto origin = before ? Origin::parse(*sent) : std::nullopt;
    if (!origin || std::ranges::none_of(
                       origins_, [&](const auto& pattern) { return pattern.matches(*origin); })) {
      return;
    }
    out.add("Access-Control-Allow-Origin", origin->text());
  }
  out.add_block(cors_);
}

void ResponseFilters::add_limits(const http::Exchange& exchange, http::HeaderBlock& out) const {
  const auto& limit = exchange.limit_state;
  const std::int64_t now = epoch_seconds(exchange.started_wall());
  out.add_number("X-RateLimit-Limit", limit.limit);
  out.add_number("X-RateLimit-Remaining", limit.remaining);
  out.add_number("X-RateLimit-Reset", now + limit.reset_seconds);
  std::string policy;
  policy.reserve(64);
  policy += '"';
  policy += limit.tier;
  policy += "\"";
  std::string state;
  state.reserve(64);
  state += policy;
  policy += ";q=";
  text::append_number(policy, limit.limit);
  policy += ";w=";
  text::append_number(policy, limit.window_seconds);
  state += ";r=";
  text::append_number(state, limit.remaining);
  state += ";t=";
  text::append_number(state, limit.reset_seconds);
  out.add("RateLimit-Policy", policy);
  out.add("RateLimit", state);
}

}  // namespace portcullis::pipeline

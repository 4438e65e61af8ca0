#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/origin.hpp"
#include "observe/log.hpp"

namespace portcullis::config {

enum class Profile : std::uint8_t { development, staging, production };
enum class Mode : std::uint8_t { enforce, monitor, off };
enum class OnError : std::uint8_t { refuse, pass };
enum class LogFormatChoice : std::uint8_t { automatic, text, json };
enum class UpstreamKind : std::uint8_t { automatic, demo, n8n, openai, anthropic, http };
/// How the state store misbehaves on purpose, for tests.
enum class StateSimulation : std::uint8_t { none, slow, failing };
/// What becomes of requests while Redis is away.
enum class StateFallback : std::uint8_t { local, open, closed };
/// What a caller that is held for a machine may do instead of waiting. Of the last two, somebody
/// else says who is none.
enum class BotChallenge : std::uint8_t { off, proof_of_work, hcaptcha, turnstile };
/// What a page gets that says it cannot show the captcha of a provider.
enum class ChallengeFallback : std::uint8_t { wait, proof_of_work };
enum class ForwardedHeader : std::uint8_t { x_forwarded_for, forwarded };
enum class HistoryMode : std::uint8_t { on, off };
/// Whether sessions are bound to a key of the visitor's browser (RFC 9449): not; where the client
/// says that it has one; or no session of the chat API without.
enum class ProofOfPossession : std::uint8_t { off, offer, require };
/// How a page says who its visitor is: by a JWT, or by the HMAC of his id.
enum class IdentityForm : std::uint8_t { jwt, hash };

std::string_view name_of(Profile profile) noexcept;
std::string_view name_of(Mode mode) noexcept;
std::optional<Mode> mode_of(std::string_view name) noexcept;
std::string_view name_of(UpstreamKind kind) noexcept;
std::string_view name_of(BotChallenge challenge) noexcept;
std::optional<BotChallenge> bot_challenge_of(std::string_view name) noexcept;
inline constexpr const char* kBotChallenges = "off, proof_of_work, hcaptcha, turnstile";
std::string_view name_of(ProofOfPossession proof) noexcept;
std::optional<ProofOfPossession> proof_of_possession_of(std::string_view name) noexcept;
std::optional<IdentityForm> identity_form_of(std::string_view name) noexcept;
std::optional<UpstreamKind> upstream_kind_of(std::string_view name) noexcept;
inline constexpr const char* kUpstreamKinds = "auto, demo, n8n, openai, anthropic, http";
/// Whether the kind is the API of a language model.
constexpr bool is_model(UpstreamKind kind) noexcept {
  return kind == UpstreamKind::openai || kind == UpstreamKind::anthropic;
}

/// What applies to every guard alike.
struct GuardSettings {
  Mode mode = Mode::enforce;
  OnError on_error = OnError::refuse;
};

/// The guards in the order in which they run; also the keys below `guards`.
inline constexpr std::string_view kGuardNames[] = {
    "address", "blocks", "protocol", "host",  "origin",  "credentials", "rate",
    "session", "access", "body",     "claim", "content", "bot"};

struct UpstreamSettings {
  UpstreamKind kind = UpstreamKind::automatic;
  std::string url;
  std::string api_key;
  std::vector<std::string> allowed_paths;  ///< webhooks that n8n's own widget may call beside `url`
  std::optional<std::int64_t> history_tokens;

  // of a language model
  std::string model;
  std::optional<std::string> system_prompt;
  std::optional<std::int64_t> max_output_tokens;
  std::string temperature;  ///< a JSON number; empty: the API's own

  // of a plain webhook
  std::string request;               ///< a RequestTemplate
  std::string answer;                ///< JSON pointer; empty: any form
  std::vector<std::string> headers;  ///< `Name: value`; may hold secrets
};

/// Where the API of a language model is, and the key to it.
struct ModelSettings {
  std::string base_url;
  std::string api_key;
  std::string model;
};

/// What a provider of captchas knows a site by: a public key, and the secret that goes with it.
struct CaptchaKeys {
  std::string site_key;
  std::string secret;
};

/// How visitors of a site are challenged.
struct SiteChallenge {
  std::optional<BotChallenge> kind;  ///< always there once the settings are checked
  CaptchaKeys keys;
};

/// Texts for visitors by language and error code (`RATE_LIMITED`), where the built-in ones do not
/// do.
using Texts = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

/// What a site has of its own to judge those who present its sessions by.
struct SiteSessionRisk {
  std::optional<Mode> mode;
  std::optional<std::int64_t> alert;
  std::optional<std::int64_t> deny;
};

/// How a site tells which of its users a visitor is. One secret or one file of keys.
struct VisitorIdentitySettings {
  IdentityForm form = IdentityForm::jwt;
  std::string secret;
  std::string key_file;  ///< PEM of a public key, or a JWK Set
  std::string issuer;
  std::string audience = "portcullis";
  Seconds max_life{3600};
  bool required = false;

  bool is_set() const noexcept { return !secret.empty() || !key_file.empty(); }
};

/// A set of origins with an assistant of its own.
struct SiteSettings {
  std::string id;
  std::vector<OriginPattern> origins;
  UpstreamSettings upstream;
  SiteChallenge challenge;
  SiteSessionRisk session_risk;
  std::optional<ProofOfPossession> proof_of_possession;
  VisitorIdentitySettings visitor_identity;
  HistoryMode history = HistoryMode::on;
  std::map<std::string, std::int64_t, std::less<>> limits;  ///< its own, by key of kSiteLimits
  Texts texts;
};

/// A service behind protected routes.
struct ServiceSettings {
  std::string id;
  std::vector<std::string> targets;  ///< URLs; the path of one comes before that of a request
  std::string ca_file;               ///< empty: `upstream.ca_file`
  std::vector<std::string> headers;  ///< `Name: value`, sent with each request; may hold secrets
  std::string client_certificate;    ///< PEM files; empty: none is shown
  std::string client_key;
  std::string health_path;  ///< empty: nobody asks whether targets are well
  Milliseconds health_interval{10'000};
  Milliseconds health_timeout{2'000};
  Milliseconds slow_start{0};
};

/// The files that a form may have on a protected route.
struct FileSettings {
  std::int64_t count = 5;
  std::optional<std::int64_t> size;  ///< bytes of one; as many as the body may have
  std::vector<std::string> types{"image/png",  "image/jpeg",      "image/gif",
                                 "image/webp", "application/pdf", "text/plain"};
};

/// What becomes of an answer of a service that lets something slip.
enum class LeakMode : std::uint8_t { off, mask, refuse };

/// What makes an entry of `routes` a protected route: whom it is for, what it takes, and where its
/// requests go.
struct ProtectedRoute {
  std::string service;
  std::string host;  ///< that requests must name; empty: any
  std::string site;  ///< that requests are of; empty: that of their page, else the default one
  std::vector<std::string> methods{"GET"};
  std::string kind = "token";
  std::optional<std::string> rewrite;    ///< what the service has instead of the route's path
  bool authenticated = true;             ///< an access token or an API key is needed
  std::vector<std::string> roles;        ///< of which one is needed; empty: any
  std::string scope;                     ///< that an API key must have
  bool location = false;                 ///< an API key comes with X-Location-ID
  std::string token_parameter;           ///< of the query, for a WebSocket's token; empty: none
  bool inspected = true;                 ///< bodies are JSON or form fields, read before they go on
  std::optional<std::int64_t> max_body;  ///< bytes
  std::vector<std::string> prose;        ///< members of the body that hold what people say
  std::string schema_file;               ///< a JSON Schema of bodies; empty: any will do
  std::optional<FileSettings> files;     ///< of forms; none: forms with files are not taken
  LeakMode leaks = LeakMode::off;        ///< in answers
  std::vector<std::string> leaks_except;  ///< rules of answers that are not asked here
  bool websocket = false;                 ///< WebSockets are passed on instead of requests
  std::vector<std::string> types;         ///< what `type` of a message may be; empty: anything
  bool compress = false;  ///< answers, or messages, are packed for clients that take that
};

/// An entry of `routes`: a protected route, or overrides for one of the gateway's own.
struct RouteSettings {
  std::string path;
  std::optional<ProtectedRoute> proxy{};
  bool enabled = true;
  bool critical = false;  ///< bodies that it refuses are told of as such
  std::map<std::string, Mode, std::less<>> guard_modes{};
  std::int64_t cost = 1;                             ///< units that a request takes of each tier
  std::optional<std::int64_t> address_per_minute{};  ///< a window of the route's own
};

/// Every setting, checked and typed: what the rest of the program reads. One object describes one
/// configuration and never changes; a reload makes a new one.
///
/// Text, default, bounds, names, secrecy and restart-need of each stand in settings_table.cpp.
struct Settings {
  // identity and profile
  std::string app_name;
  std::string app_version;
  Profile profile = Profile::development;
  std::string profile_reason;
  bool debug = false;
  bool detailed_errors = false;  ///< `debug` where it is set, else the development profile

  // logs
  observe::Level log_level = observe::Level::info;
  LogFormatChoice log_format = LogFormatChoice::automatic;
  bool log_access = true;

  // server
  std::string server_host;
  std::uint16_t server_port = 0;
  std::int64_t workers = 0;
  std::string ops_listen;
  std::string public_url;
  std::vector<std::string> allowed_hosts;
  std::vector<Cidr> trusted_proxies;
  std::vector<Cidr> never_blocked;
  std::vector<Cidr> always_blocked;
  bool automatic_blocks = true;
  Seconds first_block{};
  std::int64_t max_blocks = 0;
  bool geo_enabled = false;
  std::string geo_database;
  std::vector<std::string> geo_blocked_countries;
  bool reputation_enabled = true;
  std::int64_t reputation_alert = 0;
  std::int64_t limit_network_factor = 0;
  std::int64_t auth_failures = 0;
  Seconds auth_failure_window{};
  BotChallenge bot_challenge = BotChallenge::proof_of_work;
  std::int64_t bot_challenge_steps = 0;
  CaptchaKeys captcha_keys;
  std::string captcha_verify_url;  ///< empty: the provider's own, as the next one
  std::string captcha_script_url;
  bool captcha_send_address = false;
  ChallengeFallback captcha_fallback = ChallengeFallback::wait;
  Milliseconds captcha_timeout{};
  Milliseconds captcha_retry{};
  std::vector<std::string> bot_allowed_agents;
  ForwardedHeader forwarded_header = ForwardedHeader::x_forwarded_for;
  std::string client_address_header;
  std::string gateway_prefix;
  std::int64_t max_connections = 0;
  std::int64_t max_connections_per_address = 0;
  Milliseconds head_timeout{};
  Milliseconds body_timeout{};
  Milliseconds idle_timeout{};
  Milliseconds write_timeout{};
  Milliseconds drain_timeout{};
  std::string data_dir;
  bool require_https = false;
  bool metrics_enabled = true;
  bool health_enabled = true;
  std::string health_path;

  // secrets
  std::vector<std::string> jwt_secrets;
  std::vector<std::string> session_secrets;
  std::string jwt_algorithm;
  Seconds upstream_token_life{};

  // users
  std::vector<std::string> auth_secrets;
  std::vector<std::string> auth_key_files;
  std::string auth_issuer;
  std::string auth_audience;
  std::int64_t access_token_minutes = 0;
  std::int64_t refresh_token_days = 0;
  std::int64_t bcrypt_cost = 0;
  std::int64_t password_min = 0;
  std::vector<std::string> totp_required_roles;
  bool first_admin = true;

  // users of an OpenID provider
  std::string oidc_issuer;  ///< empty: there is none
  std::string oidc_audience;
  std::string oidc_keys_url;
  std::string oidc_ca_file;
  Seconds oidc_refresh{};
  std::string oidc_roles_claim;
  std::vector<std::string> oidc_roles;

  // sessions
  std::string cookie_name;
  Seconds cookie_max_age{};
  Seconds session_life{};
  Seconds session_idle{};
  Mode session_risk = Mode::enforce;
  std::int64_t session_risk_alert = 0;
  std::int64_t session_risk_deny = 0;
  ProofOfPossession proof_of_possession = ProofOfPossession::off;
  VisitorIdentitySettings visitor_identity;  ///< texts, of the default site
  IdentityForm visitor_identity_form = IdentityForm::jwt;
  Seconds visitor_identity_life{};
  bool visitor_identity_required = false;
  std::int64_t max_sessions = 0;
  std::int64_t history_max_messages = 0;
  std::int64_t history_max_bytes = 0;
  std::int64_t history_total_bytes = 0;

  // origins
  std::vector<OriginPattern> allowed_origins;
  bool cors_allow_credentials = true;
  Seconds cors_max_age{};

  // limits
  std::int64_t limit_chat_address_minute = 0;
  std::int64_t limit_chat_address_hour = 0;
  std::int64_t limit_chat_session_minute = 0;
  std::int64_t limit_site_minute = 0;
  std::int64_t limit_api_address_minute = 0;
  std::int64_t limit_api_user_minute = 0;
  std::int64_t limit_api_key_minute = 0;
  std::int64_t limit_login_minute = 0;
  std::int64_t limit_admin_minute = 0;
  std::int64_t limit_light_factor = 0;
  std::int64_t in_flight_address = 0;
  std::int64_t in_flight_session = 0;
  std::int64_t in_flight_site = 0;
  std::int64_t state_max_keys = 0;
  StateSimulation state_simulate = StateSimulation::none;
  std::int64_t chat_body_bytes = 0;
  std::int64_t api_body_megabytes = 0;
  std::int64_t forms_total_bytes = 0;
  std::int64_t message_max_chars = 0;
  bool sanitize_context = true;

  // content
  std::int64_t content_threshold_prose = 0;
  std::int64_t content_threshold_structure = 0;
  bool content_sqli = true;
  bool content_xss = true;

  // streams
  std::int64_t max_streams = 0;
  std::int64_t max_streams_per_session = 0;
  std::int64_t max_streams_per_address = 0;
  Milliseconds stream_heartbeat{};
  Milliseconds stream_resume_grace{};
  std::int64_t stream_buffer_bytes = 0;
  std::int64_t ring_total_bytes = 0;
  bool chat_get_message = false;

  // upstream
  UpstreamSettings upstream;
  ModelSettings openai;
  ModelSettings anthropic;
  std::string system_prompt;
  std::int64_t max_output_tokens = 0;
  std::int64_t history_tokens = 0;
  std::string upstream_ca_file;
  Milliseconds upstream_connect_timeout{};
  Milliseconds upstream_first_byte_timeout{};
  Milliseconds upstream_idle_timeout{};
  std::int64_t upstream_max_connections = 0;
  std::int64_t upstream_keep_alive = 0;
  std::int64_t upstream_max_answer_bytes = 0;
  std::int64_t upstream_tries = 0;
  Milliseconds upstream_retry_delay{};
  std::int64_t upstream_retry_budget_percent = 0;
  std::int64_t breaker_failures = 0;
  Milliseconds breaker_open{};
  std::int64_t upstream_runs_per_session = 0;

  // n8n's own chat widget
  std::vector<std::string> n8n_allowed_paths;  ///< of the default site
  std::string n8n_session_key;
  std::string n8n_input_key;
  bool n8n_hosted_page = false;
  std::int64_t n8n_metadata_bytes = 0;
  std::int64_t n8n_max_files = 0;
  std::vector<std::string> n8n_upload_types;

  // response headers
  bool security_headers = true;
  bool csp_enabled = true;
  bool hsts_enabled = true;
  std::string csp_report_uri;
  std::string csp_default_src;
  std::string csp_script_src;
  std::string csp_style_src;
  std::string csp_img_src;
  std::string csp_connect_src;
  std::string xss_protection;

  // monitoring (the recorder comes later; the log is the first sink)
  bool monitoring_enabled = true;
  bool threat_detection_enabled = true;

  // WebSockets
  bool websocket_require_auth = true;
  std::int64_t websocket_max = 0;
  std::int64_t websocket_max_per_address = 0;
  std::int64_t websocket_messages_minute = 0;
  std::int64_t websocket_message_kib = 0;
  Milliseconds websocket_ping{};
  Milliseconds websocket_idle{};
  Milliseconds websocket_auth_timeout{};

  // widget
  std::string widget_title;
  std::string widget_placeholder;
  std::string widget_welcome;
  std::string widget_position;
  std::string widget_theme;

  // state that nodes share
  std::string redis_url;
  std::string redis_password;
  bool redis_tls = false;
  std::string redis_ca_file;
  std::string redis_prefix;
  Milliseconds redis_deadline{};
  StateFallback state_fallback = StateFallback::local;
  std::int64_t state_nodes = 0;

  // parts that this build does not have yet
  std::string database_url;

  std::map<std::string, GuardSettings, std::less<>> guards;
  std::vector<SiteSettings> sites;  ///< the default site first
  std::vector<ServiceSettings> services;
  std::vector<RouteSettings> routes;

  /// Whether users' tokens can be issued and verified.
  bool has_users() const noexcept { return !auth_secrets.empty() || !auth_key_files.empty(); }
  bool production() const noexcept { return profile == Profile::production; }
  bool development() const noexcept { return profile == Profile::development; }
};

/// Limits that a site may have of its own.
struct SiteLimit {
  std::string_view key;  ///< below `sites[].limits`
  std::int64_t Settings::* field;
};
inline constexpr SiteLimit kSiteLimits[] = {
    {"per_minute", &Settings::limit_site_minute},
    {"chat_address_per_minute", &Settings::limit_chat_address_minute},
    {"chat_address_per_hour", &Settings::limit_chat_address_hour},
    {"session_per_minute", &Settings::limit_chat_session_minute},
    {"in_flight", &Settings::in_flight_site},
    {"in_flight_per_address", &Settings::in_flight_address},
    {"in_flight_per_session", &Settings::in_flight_session},
};

}  // namespace portcullis::config

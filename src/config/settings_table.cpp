// clang-format off: one setting a line reads as the table that it is.
#include <algorithm>

#include "config/captcha_values.hpp"
#include "config/database_url.hpp"
#include "config/route_values.hpp"
#include "config/redis_url.hpp"
#include "config/setting_types.hpp"
#include "config/upstream_values.hpp"

namespace portcullis::config {
namespace {

using namespace types;  // NOLINT(google-build-using-namespace)
using S = Settings;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kMaxLimit = 1'000'000'000;
constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;

std::optional<std::string> country_fault(std::string_view code) {
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (code.size() == 2 && std::ranges::all_of(code, is_capital)) return std::nullopt;
  return "'" + std::string(code) + "' is no code of a country such as FR";
}

void add_identity(std::vector<Setting>& t) {
  Setting profile = choice<Profile>({.path = "environment", .text = "Profile: address tiers, CSP, error detail and secrets policy follow it; any setting given explicitly wins. Default: by `debug` where that is set (true: development, false: production), else development."}, &S::profile, Profile::development,
      {{"development", Profile::development}, {"staging", Profile::staging}, {"production", Profile::production}});
  profile.env = {"SECURITY_ENVIRONMENT", "ENVIRONMENT"};
  t.push_back(std::move(profile));
  t.push_back(string({.path = "app.name", .text = "Name shown in `/health` and `/metrics`."}, &S::app_name, "portcullis"));
  t.push_back(string({.path = "app.version", .text = "Version shown in `/health` and `/metrics`; empty: the version of the program."}, &S::app_version, ""));
  t.push_back(string({.path = "data_dir", .text = "Folder for secrets and other data; made at need.", .restart = Restart::needed}, &S::data_dir, "./data"));
  t.push_back(boolean({.path = "debug", .text = "Detailed error texts; where it is not set, the development profile has them. Without `environment` it also chooses the profile: true development, false production."}, &S::debug, false));
  t.push_back(choice<observe::Level>({.path = "log.level", .env = {"SECURITY_LOG_LEVEL"}, .text = "Lines below this level are not written."}, &S::log_level, observe::Level::info,
      {{"debug", observe::Level::debug}, {"info", observe::Level::info}, {"warning", observe::Level::warning}, {"warn", observe::Level::warning}, {"error", observe::Level::error}, {"critical", observe::Level::critical}}));
  t.push_back(choice<LogFormatChoice>({.path = "log.format", .text = "`auto` is text in development and JSON lines elsewhere.", .restart = Restart::needed}, &S::log_format, LogFormatChoice::automatic,
      {{"auto", LogFormatChoice::automatic}, {"text", LogFormatChoice::text}, {"json", LogFormatChoice::json}}));
  t.push_back(boolean({.path = "log.access", .text = "One line for each request."}, &S::log_access, true));
}

void add_server(std::vector<Setting>& t) {
  t.push_back(string({.path = "server.host", .env = {"API_HOST"}, .text = "Address to listen on; `::` listens on IPv6 and IPv4.", .restart = Restart::needed}, &S::server_host, "0.0.0.0"));
  t.push_back(port({.path = "server.port", .env = {"API_PORT"}, .text = "Port to listen on; 0 takes a free one.", .restart = Restart::needed}, &S::server_port, 8000));
  t.push_back(integer({.path = "server.workers", .env = {"WORKERS"}, .text = "Worker threads; 0: one per core.", .restart = Restart::needed}, &S::workers, 0, 0, 256));
  t.push_back(string({.path = "ops.listen", .text = "Operations listener (`/metrics`, `/health`) as address:port, or `off`. Port 0 takes a free one; where the default is taken the gateway warns and goes on without it.", .restart = Restart::needed}, &S::ops_listen, "127.0.0.1:9464"));
  t.push_back(string({.path = "server.public_url", .env = {"PUBLIC_URL"}, .text = "The URL under which browsers reach the gateway; its origin is always allowed and its host accepted."}, &S::public_url, ""));
  t.push_back(hosts({.path = "server.allowed_hosts", .env = {"ALLOWED_HOSTS"}, .text = "Further host names that the gateway answers to."}, &S::allowed_hosts));
  t.push_back(blocks({.path = "server.trusted_proxies", .env = {"TRUSTED_PROXIES"}, .text = "Proxies whose forwarding headers (`server.forwarded_header`, `server.client_address_header`) are believed."}, &S::trusted_proxies));
  t.push_back(choice<ForwardedHeader>({.path = "server.forwarded_header", .env = {"FORWARDED_HEADER"}, .text = "What the trusted proxies write: `x-forwarded-for` (address there, scheme in `X-Forwarded-Proto`) or `forwarded` (both in `Forwarded`, RFC 7239). The other kind comes from the visitor and is ignored."}, &S::forwarded_header, ForwardedHeader::x_forwarded_for,
      {{"x-forwarded-for", ForwardedHeader::x_forwarded_for}, {"forwarded", ForwardedHeader::forwarded}}));
  t.push_back(string({.path = "server.client_address_header", .env = {"CLIENT_ADDRESS_HEADER"}, .text = "One header from a trusted proxy that carries the client address alone, such as `CF-Connecting-IP`."}, &S::client_address_header, ""));
  t.push_back(string({.path = "gateway.prefix", .text = "Moves the gateway's own routes below this path.", .restart = Restart::no}, &S::gateway_prefix, ""));
  t.push_back(integer({.path = "server.max_connections", .text = "Open client connections in all."}, &S::max_connections, 12'000, 1, 1'000'000));
  t.push_back(integer({.path = "server.max_connections_per_address", .text = "Open client connections from one address (IPv6: one /64); trusted proxies are not bound by it."}, &S::max_connections_per_address, 512, 1, 1'000'000));
  t.push_back(duration({.path = "server.head_timeout", .text = "A request head must be complete within this time."}, &S::head_timeout, Seconds{10}, Milliseconds{100}, minutes{10}));
  t.push_back(duration({.path = "server.body_timeout", .text = "A request body must be complete within this time, and never slower than 512 bytes a second."}, &S::body_timeout, Seconds{30}, Milliseconds{100}, hours{1}));
  t.push_back(duration({.path = "server.idle_timeout", .text = "A kept-alive connection without a request is closed after this time."}, &S::idle_timeout, Seconds{75}, Milliseconds{100}, hours{1}));
  t.push_back(duration({.path = "server.write_timeout", .text = "A client that takes no byte of an answer for this time is dropped."}, &S::write_timeout, Seconds{30}, Milliseconds{100}, hours{1}));
  t.push_back(duration({.path = "server.drain_timeout", .text = "How long requests and streams may go on after SIGTERM."}, &S::drain_timeout, Seconds{30}, Milliseconds{0}, minutes{10}));
  t.push_back(boolean({.path = "server.require_https", .env = {"SECURITY_REQUIRE_HTTPS"}, .text = "Answer plain http with 308 (GET, HEAD) or 403, unless a trusted proxy says https. Default: true in production, else false."}, &S::require_https, false));
  t.push_back(boolean({.path = "metrics.enabled", .env = {"ENABLE_METRICS"}, .text = "Serve `/metrics`."}, &S::metrics_enabled, true));
  t.push_back(boolean({.path = "health.enabled", .env = {"HEALTH_CHECK_ENABLED"}, .text = "Serve `/health`, `/health/live` and `/health/ready`."}, &S::health_enabled, true));
  t.push_back(string({.path = "health.path", .env = {"HEALTH_CHECK_PATH"}, .text = "Path of the health page."}, &S::health_path, "/health"));
}

std::optional<std::string> no_fault(std::string_view) { return std::nullopt; }

void add_identity_of_visitors(std::vector<Setting>& t) {
  t.push_back(strings({.path = "jwt.secret_key", .text = "Signs the token that goes to the upstream; n8n verifies with the same value. A list: the first signs. At least 32 bytes; made once in development.", .secrecy = Secrecy::secret}, &S::jwt_secrets));
  t.push_back(string({.path = "jwt.algorithm", .env = {"SECURITY_JWT_ALGORITHM"}, .text = "Algorithm of the upstream token; only HS256."}, &S::jwt_algorithm, "HS256"));
  t.push_back(seconds({.path = "jwt.expiration_seconds", .text = "Life of an upstream token."}, &S::upstream_token_life, Seconds{60}, Seconds{5}, minutes{60}));
  t.push_back(strings({.path = "session.secret_key", .text = "Signs session tokens; other keys are derived from it. A list: the first signs, all verify. At least 32 bytes; made once in development.", .secrecy = Secrecy::secret}, &S::session_secrets));
  t.push_back(seconds({.path = "session.life", .env = {"JWT_EXPIRATION_HOURS"}, .text = "A session ends this long after its start, however active (a bare number: hours)."}, &S::session_life, hours{24}, Seconds{1}, hours{24 * 365}, hours{1}));
  t.push_back(seconds({.path = "session.idle", .text = "A session ends after this time without a message."}, &S::session_idle, hours{2}, Seconds{1}, hours{24 * 365}));
  t.push_back(choice<Mode>({.path = "session.risk", .text = "Whether those who present a session are judged by how they differ from its owner and by what they do: `enforce`, `monitor` (told, without effect) or `off`."}, &S::session_risk, Mode::enforce,
      {{"enforce", Mode::enforce}, {"monitor", Mode::monitor}, {"off", Mode::off}}));
  t.push_back(integer({.path = "session.risk_alert", .text = "From so many points on a presenter is told of, has a quarter of the limits and is challenged."}, &S::session_risk_alert, 50, 1, 100));
  t.push_back(integer({.path = "session.risk_deny", .text = "With more points than this a presenter may not use the session for an hour; where it is its owner, the session ends. 100: nobody."}, &S::session_risk_deny, 75, 1, 100));
  t.push_back(choice<ProofOfPossession>({.path = "session.proof_of_possession", .text = "Bind sessions to a key of the visitor's browser, so that a stolen token is worth nothing without it (docs/sessions.md): `off`, `offer` (where the client says that it can prove) or `require` (no session of the chat API without; pages over plain http cannot)."}, &S::proof_of_possession, ProofOfPossession::off,
      {{"off", ProofOfPossession::off}, {"offer", ProofOfPossession::offer}, {"require", ProofOfPossession::require}}));
  using Identity = VisitorIdentitySettings;
  t.push_back(checked_text({.path = "visitor_identity.secret", .text = "With this the default site's own server says which of its users a visitor is (docs/sessions.md). At least 32 bytes, known to that server and to nobody else.", .secrecy = Secrecy::secret}, "text", "", no_fault, &S::visitor_identity, &Identity::secret));
  t.push_back(checked_text({.path = "visitor_identity.key_file", .text = "Instead of a secret: a PEM file of a public key, or a JWK Set (RS256, ES256)."}, "text", "", no_fault, &S::visitor_identity, &Identity::key_file));
  t.push_back(choice<IdentityForm>({.path = "visitor_identity.form", .text = "`jwt`, or `hash`: the hex HMAC-SHA256 of the user's id. A hash never expires; prefer the token."}, &S::visitor_identity_form, IdentityForm::jwt,
      {{"jwt", IdentityForm::jwt}, {"hash", IdentityForm::hash}}));
  t.push_back(checked_text({.path = "visitor_identity.issuer", .text = "`iss` of the site's tokens."}, "text", "", identity_text_fault, &S::visitor_identity, &Identity::issuer));
  t.push_back(checked_text({.path = "visitor_identity.audience", .text = "`aud` of the site's tokens."}, "text", "portcullis", identity_text_fault, &S::visitor_identity, &Identity::audience));
  t.push_back(seconds({.path = "visitor_identity.max_life", .text = "Longest time from `iat` to `exp` of such a token. Whoever hears one can use it until then."}, &S::visitor_identity_life, Seconds{3600}, Seconds{60}, hours{24}));
  t.push_back(boolean({.path = "visitor_identity.required", .text = "No session of the chat API for visitors who are not known so."}, &S::visitor_identity_required, false));
  t.push_back(string({.path = "session.cookie_name", .text = "Name of the session cookie."}, &S::cookie_name, "chat_session_id"));
  t.push_back(seconds({.path = "session.cookie_max_age", .text = "`Max-Age` of the session cookie."}, &S::cookie_max_age, Seconds{86'400}, Seconds{60}, hours{24 * 365}));
  t.push_back(integer({.path = "session.max", .text = "Stored sessions (those with a message). At the bound the one silent longest gives way, unless it was active in the last 15 minutes.", .restart = Restart::needed}, &S::max_sessions, 100'000, 1, 100'000'000));
  t.push_back(integer({.path = "history.max_messages", .text = "Messages kept for each session.", .restart = Restart::needed}, &S::history_max_messages, 200, 0, 10'000));
  t.push_back(size({.path = "history.max_bytes", .text = "Bytes of text kept for each session.", .restart = Restart::needed}, &S::history_max_bytes, 256 * kKiB, 0, 64 * kMiB));
  t.push_back(size({.path = "history.total_bytes", .text = "Bytes of text kept for all sessions together; the oldest histories give way.", .restart = Restart::needed}, &S::history_total_bytes, 256 * kMiB, 0, 64 * kGiB));
  t.push_back(origins({.path = "cors.allowed_origins", .env = {"ALLOWED_ORIGINS", "SECURITY_CORS_ALLOW_ORIGINS"}, .text = "Origins of the default site. `https://*.example.com` stands for every host below example.com; `*` is refused in production."}, &S::allowed_origins));
  t.push_back(boolean({.path = "cors.allow_credentials", .env = {"SECURITY_CORS_ALLOW_CREDENTIALS"}, .text = "Let browsers send the session cookie from allowed origins."}, &S::cors_allow_credentials, true));
  t.push_back(seconds({.path = "cors.max_age", .env = {"SECURITY_CORS_MAX_AGE"}, .text = "How long browsers may remember a preflight."}, &S::cors_max_age, Seconds{3600}, Seconds{0}, hours{24}));
}

/// What may stand in a claim that is compared.
std::optional<std::string> claim_fault(std::string_view text) {
  const bool plain = text.size() <= 256 && text::is_utf8(text) &&
                     std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (plain) return std::nullopt;
  return "a claim has at most 256 bytes of UTF-8 without controls";
}

std::optional<std::string> oidc_role_fault(std::string_view entry) {
  const auto equals = entry.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return "'" + std::string(entry) + "' is not GROUP=ROLE";
  }
  const auto role = entry.substr(equals + 1);
  return role_fault(role.substr(0, role.find('@')));
}

void add_users(std::vector<Setting>& t) {
  t.push_back(strings({.path = "auth.secret_key", .env = {"SECURITY_JWT_SECRET_KEY"}, .text = "Signs the access tokens of users (HS256). A list: the first signs, all verify. At least 32 bytes; made once in development. Elsewhere nobody can log in without it or `auth.key_files`.", .secrecy = Secrecy::secret}, &S::auth_secrets));
  t.push_back(strings({.path = "auth.key_files", .text = "PEM files of keys for access tokens, instead of `auth.secret_key` for new ones: RSA (RS256) or P-256 (ES256). The first is a private key and signs; all verify, and public ones do nothing else."}, &S::auth_key_files));
  t.push_back(checked_text({.path = "auth.issuer", .text = "`iss` of users' tokens."}, "text", "portcullis", claim_fault, &S::auth_issuer));
  t.push_back(checked_text({.path = "auth.audience", .text = "`aud` of users' tokens."}, "text", "portcullis", claim_fault, &S::auth_audience));
  t.push_back(integer({.path = "auth.access_minutes", .env = {"SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES"}, .text = "Life of a user's access token; above 60 is warned about in production. Default: 15 in production, 60 in development, else 30."}, &S::access_token_minutes, 30, 1, 1440));
  t.push_back(integer({.path = "auth.refresh_days", .env = {"SECURITY_JWT_REFRESH_TOKEN_EXPIRE_DAYS"}, .text = "How long a login lasts, however often its tokens are refreshed."}, &S::refresh_token_days, 7, 1, 30));
  t.push_back(integer({.path = "auth.bcrypt_cost", .text = "Cost of new password hashes: each further one doubles the work. At a login older hashes are made anew."}, &S::bcrypt_cost, 12, 10, 16));
  t.push_back(integer({.path = "auth.password_min", .text = "Characters that a new password has at least; bcrypt takes 72 bytes at most."}, &S::password_min, 12, 8, 64));
  t.push_back(checked_list({.path = "auth.totp_required_roles", .text = "Users with one of these roles log in with a second factor only (`portcullis user totp`)."}, "list of roles", 4, role_fault, &S::totp_required_roles));
  t.push_back(checked_text({.path = "auth.oidc_issuer", .text = "An OpenID provider whose access tokens are accepted beside those of own users: its `iss`, letter for letter. https, or a loopback address. Empty: none."}, "URL", "", protected_url_fault, &S::oidc_issuer));
  t.push_back(checked_text({.path = "auth.oidc_audience", .text = "What `aud` of such a token must name: this gateway, as the provider knows it."}, "text", "", claim_fault, &S::oidc_audience));
  t.push_back(checked_text({.path = "auth.oidc_keys_url", .text = "Where the provider's keys (a JWK Set) are; empty: where its `/.well-known/openid-configuration` says. https, or a loopback address."}, "URL", "", protected_url_fault, &S::oidc_keys_url));
  t.push_back(string({.path = "auth.oidc_ca_file", .text = "PEM file of the certificate authorities that are trusted for the provider, instead of the system's."}, &S::oidc_ca_file, ""));
  t.push_back(seconds({.path = "auth.oidc_refresh", .text = "How old the provider's keys get before they are fetched again; one that is not among them is looked for at once, at most every ten seconds."}, &S::oidc_refresh, Seconds{3600}, Seconds{10}, hours{24}));
  t.push_back(string({.path = "auth.oidc_roles_claim", .text = "The claim that names a user's groups or roles: a list, or one text; that of `scope` and `scp` has spaces between them. A name, or a JSON pointer such as `/realm_access/roles`."}, &S::oidc_roles_claim, "roles"));
  t.push_back(checked_list({.path = "auth.oidc_roles", .text = "What these mean here: `GROUP=ROLE`, or `GROUP=ROLE@SITE` for one site. Others mean nothing."}, "list of GROUP=ROLE", 256, oidc_role_fault, &S::oidc_roles));
  t.push_back(boolean({.path = "auth.first_admin", .text = "Where there are no users yet, the development profile makes an `admin` and prints a password for it, once."}, &S::first_admin, true));
}

void add_limits(std::vector<Setting>& t) {
  t.push_back(integer({.path = "limits.chat_address_per_minute", .env = {"RATE_LIMIT_PER_MINUTE"}, .text = "Chat requests of one address in a minute."}, &S::limit_chat_address_minute, 60, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.chat_address_per_hour", .env = {"RATE_LIMIT_PER_HOUR"}, .text = "Chat requests of one address in an hour."}, &S::limit_chat_address_hour, 1000, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.session_per_minute", .env = {"RATE_LIMIT_SESSION_PER_MINUTE"}, .text = "Messages of one session in a minute."}, &S::limit_chat_session_minute, 30, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.site_per_minute", .env = {"RATE_LIMIT_DOMAIN_PER_MINUTE"}, .text = "Chat requests of one site in a minute. Once they are spent, sessions in a conversation have half as many more in reserve, and new visitors solve a challenge (`bot.challenge`) to have a part of it."}, &S::limit_site_minute, 1000, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.api_address_per_minute", .env = {"SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE"}, .text = "API requests of one anonymous address in a minute. Default: 100, and 1000 in the development profile."}, &S::limit_api_address_minute, 100, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.api_user_per_minute", .env = {"SECURITY_RATE_LIMIT_AUTHENTICATED_RPM"}, .text = "API requests of one user in a minute, wherever they come from."}, &S::limit_api_user_minute, 1000, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.api_key_per_minute", .env = {"SECURITY_API_RATE_LIMIT_PER_KEY"}, .text = "API requests with one API key in a minute."}, &S::limit_api_key_minute, 5000, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.in_flight_per_address", .text = "Chat and API requests of one address that are being answered at a time (IPv6: one /64); subscriptions to events have the caps of `stream.*` instead."}, &S::in_flight_address, 64, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.in_flight_per_session", .text = "The same for one session."}, &S::in_flight_session, 16, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.in_flight_per_site", .text = "The same for one site."}, &S::in_flight_site, 2000, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.network_factor", .text = "All addresses of an IPv6 /48, which one customer of a provider often has to himself, may together make this many times the per-minute requests of one, and have this many times as many under way."}, &S::limit_network_factor, 4, 1, 1'000'000));
  t.push_back(integer({.path = "limits.auth_failures", .env = {"SECURITY_FAILED_AUTH_THRESHOLD"}, .text = "Credentials of users and keys that do not verify, from one address, on API routes: so many block it for `blocks.first`. Sessions that have expired do not count."}, &S::auth_failures, 5, 1, 1'000'000));
  t.push_back(seconds({.path = "limits.auth_failure_window", .text = "Within this time. A bare number is minutes."}, &S::auth_failure_window, minutes{15}, Seconds{12}, std::chrono::hours{24}, minutes{1}));
  t.push_back(integer({.path = "limits.logins_per_minute", .text = "Attempts to log in, or to refresh a login, of one address in a minute, whatever comes of them."}, &S::limit_login_minute, 60, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.admin_per_minute", .env = {"SECURITY_RATE_LIMIT_ADMIN_RPM"}, .text = "Requests of one user to the management API in a minute."}, &S::limit_admin_minute, 300, 1, kMaxLimit));
  t.push_back(integer({.path = "limits.light_factor", .text = "Static files, preflights, `validate` and `history` cost nothing in the tiers above; one address may make this many times its per-minute limit of them."}, &S::limit_light_factor, 10, 1, 1'000'000));
  t.push_back(blocks({.path = "blocks.never", .env = {"SECURITY_IP_WHITELIST", "ADDRESSES_NEVER_BLOCKED"}, .text = "Addresses that are never blocked; limits hold for them too."}, &S::never_blocked));
  t.push_back(blocks({.path = "blocks.always", .env = {"ADDRESSES_BLOCKED"}, .text = "Addresses that are refused until they are taken off this list."}, &S::always_blocked));
  t.push_back(boolean({.path = "blocks.automatic", .env = {"SECURITY_AUTO_BLOCK_SUSPICIOUS_IPS"}, .text = "Block an address for a time that goes on far beyond its limits."}, &S::automatic_blocks, true));
  t.push_back(seconds({.path = "blocks.first", .env = {"SECURITY_RATE_LIMIT_BLOCK_DURATION_MINUTES"}, .text = "How long such a block lasts; each further one of the same address twice as long, up to 24 hours. A bare number is minutes."}, &S::first_block, minutes{15}, Seconds{1}, std::chrono::hours{24}, minutes{1}));
  t.push_back(integer({.path = "blocks.max", .text = "Addresses that are blocked at a time, at most. Beyond that further ones are only paced.", .restart = Restart::needed}, &S::max_blocks, 100'000, 1, 10'000'000));
  t.push_back(boolean({.path = "geo.enabled", .env = {"SECURITY_ENABLE_GEO_BLOCKING"}, .text = "Refuse addresses of the countries in `geo.blocked_countries`. Addresses that the database does not know, and those in `blocks.never`, pass."}, &S::geo_enabled, false));
  t.push_back(string({.path = "geo.database", .text = "Database of countries in MaxMind's format (GeoLite2-Country, DB-IP, IPinfo). Read anew at SIGHUP; put a newer file in its place by rename."}, &S::geo_database, ""));
  t.push_back(checked_list({.path = "geo.blocked_countries", .env = {"SECURITY_BLOCKED_COUNTRIES"}, .text = "Their ISO 3166-1 codes of two capital letters."}, "list of countries", 300, country_fault, &S::geo_blocked_countries));
  t.push_back(boolean({.path = "reputation.enabled", .text = "Keep a reputation of callers, from -100 to 100, half of which is forgotten in an hour. Refusals cost points; below -10 half of the limits hold."}, &S::reputation_enabled, true));
  t.push_back(integer({.path = "reputation.alert", .env = {"SECURITY_IP_REPUTATION_THRESHOLD"}, .text = "An event is recorded when a reputation falls to minus this."}, &S::reputation_alert, 50, 11, 100));
  t.push_back(choice<BotChallenge>({.path = "bot.challenge", .text = "What a visitor may do who is held for a machine and has used up a quarter of the limit: solve a challenge (`proof_of_work`; the widget does it by itself), pass the captcha of a provider (`hcaptcha`, `turnstile`; keys are needed), or only wait (`off`). A site may have its own."}, &S::bot_challenge, BotChallenge::proof_of_work,
      {{"off", BotChallenge::off}, {"proof_of_work", BotChallenge::proof_of_work}, {"hcaptcha", BotChallenge::hcaptcha}, {"turnstile", BotChallenge::turnstile}}));
  t.push_back(checked_text({.path = "bot.challenge_site_key", .text = "The public key that the provider of captchas gave for your pages."}, "text", "", site_key_fault, &S::captcha_keys, &CaptchaKeys::site_key));
  t.push_back(checked_text({.path = "bot.challenge_secret", .text = "The secret that belongs to it. The gateway shows it to the provider and to nobody else.", .secrecy = Secrecy::secret}, "text", "", captcha_secret_fault, &S::captcha_keys, &CaptchaKeys::secret));
  t.push_back(checked_text({.path = "bot.challenge_verify_url", .text = "Where the gateway asks the provider about a token; empty: the provider's own address. https, or a loopback address."}, "URL", "", protected_url_fault, &S::captcha_verify_url));
  t.push_back(checked_text({.path = "bot.challenge_script_url", .text = "Where pages load the provider's script from; empty: the provider's own address. https, or a loopback address."}, "URL", "", protected_url_fault, &S::captcha_script_url));
  t.push_back(boolean({.path = "bot.challenge_send_address", .text = "Tell the provider the visitor's address with each token. The provider knows it already from the visitor's browser, but then not from you."}, &S::captcha_send_address, false));
  t.push_back(choice<ChallengeFallback>({.path = "bot.challenge_fallback", .text = "For a page that says it cannot show the captcha, because its Content-Security-Policy or a blocker forbids the script: `wait`, or `proof_of_work`, ten times as long as `bot.challenge_steps`. Anybody can say that, so with the latter a machine may choose."}, &S::captcha_fallback, ChallengeFallback::wait,
      {{"wait", ChallengeFallback::wait}, {"proof_of_work", ChallengeFallback::proof_of_work}}));
  t.push_back(duration({.path = "bot.challenge_timeout", .text = "How long the provider may take to say what it thinks of a token."}, &S::captcha_timeout, Seconds{3}, Milliseconds{100}, Seconds{30}));
  t.push_back(duration({.path = "bot.challenge_retry", .text = "While the provider is away, visitors solve `proof_of_work`; it is looked for this often, when a visitor is to be challenged."}, &S::captcha_retry, Seconds{5}, Milliseconds{50}, minutes{10}));
  t.push_back(integer({.path = "bot.challenge_steps", .text = "Digests that a challenge takes at most, half of them on average; up to ten times as many for who is asked again and again."}, &S::bot_challenge_steps, 10'000, 100, 1'000'000));
  t.push_back(strings({.path = "bot.allowed_agents", .text = "Names in a User-Agent that are never suspicious, such as those of your own monitoring, in lower case: `uptime-kuma`."}, &S::bot_allowed_agents));
  t.push_back(integer({.path = "state.max_keys", .text = "Limiter keys kept in memory; the one silent longest gives way.", .restart = Restart::needed}, &S::state_max_keys, 1'000'000, 1000, 100'000'000));
  t.push_back(choice<StateSimulation>({.path = "state.simulate", .text = "Makes the state store answer after 2 to 8 ms (`slow`) or always fail (`failing`), for tests; refused in production.", .restart = Restart::needed}, &S::state_simulate, StateSimulation::none,
      {{"none", StateSimulation::none}, {"slow", StateSimulation::slow}, {"failing", StateSimulation::failing}}));
  t.push_back(size({.path = "limits.chat_body", .text = "Largest request body of a chat route."}, &S::chat_body_bytes, kMiB, kKiB, 64 * kMiB));
  t.push_back(integer({.path = "limits.api_body_mb", .env = {"SECURITY_MAX_REQUEST_SIZE_MB"}, .text = "Largest request body of any other route, in MiB."}, &S::api_body_megabytes, 10, 1, 1024));
  t.push_back(size({.path = "limits.forms_total", .text = "Bytes of all forms with files, and of all packed bodies as they may unpack, together from their first byte until their answers begin; a network has a quarter. Further ones are answered with 429."}, &S::forms_total_bytes, 256 * kMiB, kMiB, 64 * kGiB));
  t.push_back(integer({.path = "chat.message_max_chars", .text = "Longest message in characters (code points)."}, &S::message_max_chars, 10'000, 1, 1'000'000));
  t.push_back(boolean({.path = "chat.sanitize_context", .env = {"SECURITY_ENABLE_INPUT_SANITIZATION"}, .text = "Pass only the allowed keys of `context` on, and name the dropped ones in the answer. False: every key within the size limits."}, &S::sanitize_context, true));
}

void add_content(std::vector<Setting>& t) {
  t.push_back(integer({.path = "content.threshold_prose", .text = "Points of one class of attack at which what people say is refused; a certain rule has 5."}, &S::content_threshold_prose, 5, 1, 1000));
  t.push_back(integer({.path = "content.threshold_structure", .text = "The same for everything else: paths, queries, headers, keys, ids."}, &S::content_threshold_structure, 5, 1, 1000));
  t.push_back(boolean({.path = "content.sql", .env = {"SECURITY_ENABLE_SQL_INJECTION_PROTECTION"}, .text = "Look for SQL injection."}, &S::content_sqli, true));
  t.push_back(boolean({.path = "content.xss", .env = {"SECURITY_ENABLE_XSS_PROTECTION"}, .text = "Look for script and markup that runs it."}, &S::content_xss, true));
}

void add_streams(std::vector<Setting>& t) {
  t.push_back(integer({.path = "stream.max", .text = "Open event streams in all.", .restart = Restart::needed}, &S::max_streams, 10'000, 1, 1'000'000));
  t.push_back(integer({.path = "stream.max_per_session", .text = "Open event streams of one session.", .restart = Restart::needed}, &S::max_streams_per_session, 5, 1, 1'000'000));
  t.push_back(integer({.path = "stream.max_per_address", .text = "Open event streams of one address (IPv6: one /64).", .restart = Restart::needed}, &S::max_streams_per_address, 20, 1, 1'000'000));
  t.push_back(duration({.path = "stream.heartbeat", .text = "A silent stream gets a heartbeat this often."}, &S::stream_heartbeat, Seconds{15}, Milliseconds{100}, minutes{10}));
  t.push_back(duration({.path = "stream.resume_grace", .text = "How long an answer is read on after its last reader left; 0 cancels it at once."}, &S::stream_resume_grace, Seconds{15}, Milliseconds{0}, minutes{10}));
  t.push_back(size({.path = "stream.buffer", .text = "Bytes of events kept for readers that lag and for resuming, for each session; the upstream is paused when they are full.", .restart = Restart::needed}, &S::stream_buffer_bytes, 128 * kKiB, 4 * kKiB, 16 * kMiB));
  t.push_back(size({.path = "stream.total_bytes", .text = "Bytes of events kept for all sessions together after their answers ended.", .restart = Restart::needed}, &S::ring_total_bytes, 64 * kMiB, 64 * kKiB, 16 * kGiB));
  t.push_back(boolean({.path = "chat.get_message", .text = "Accept `GET /api/v1/chat/stream?message=` (at most 2000 bytes, never on a navigation, never logged), for clients that can do nothing but EventSource."}, &S::chat_get_message, false));
}

void add_upstream(std::vector<Setting>& t) {
  t.push_back(finish({.path = "upstream.kind", .text = "What answers on the default site. `auto`: n8n where a webhook URL is given, else OpenAI or Anthropic where a key is, else the demo assistant (never in production). `http`: any service that takes JSON at `upstream.url`."}, "one of", "auto", kUpstreamKinds,
      [](Settings& out, const RawValue& raw) -> std::expected<void, std::string> {
        const auto text = scalar(raw);
        if (!text) return std::unexpected(text.error());
        const auto kind = upstream_kind_of(*text);
        if (!kind) return std::unexpected("'" + *text + "' is not one of " + std::string(kUpstreamKinds));
        out.upstream.kind = *kind;
        return {};
      },
      [](const Settings& in) { return std::string(name_of(in.upstream.kind)); }));
  t.push_back(checked_text({.path = "upstream.url", .env = {"N8N_WEBHOOK_URL"}, .text = "The n8n webhook that answers, or another one (kind `http`)."}, "URL", "", upstream_url_fault, &S::upstream, &UpstreamSettings::url));
  t.push_back(checked_text({.path = "upstream.api_key", .env = {"N8N_API_KEY"}, .text = "Sent to it as `Authorization: Bearer`.", .secrecy = Secrecy::secret}, "text", "", api_key_fault, &S::upstream, &UpstreamSettings::api_key));
  t.push_back(checked_text({.path = "openai.api_key", .text = "Key to OpenAI, or to a server that speaks the same API.", .secrecy = Secrecy::secret}, "text", "", api_key_fault, &S::openai, &ModelSettings::api_key));
  t.push_back(checked_text({.path = "openai.base_url", .text = "Where chat completions are: the URL before `/chat/completions`."}, "URL", "https://api.openai.com/v1", upstream_url_fault, &S::openai, &ModelSettings::base_url));
  t.push_back(checked_text({.path = "openai.model", .text = "Model that is asked."}, "text", "gpt-4o-mini", model_fault, &S::openai, &ModelSettings::model));
  t.push_back(checked_text({.path = "anthropic.api_key", .text = "Key to Anthropic.", .secrecy = Secrecy::secret}, "text", "", api_key_fault, &S::anthropic, &ModelSettings::api_key));
  t.push_back(checked_text({.path = "anthropic.base_url", .text = "The URL before `/v1/messages`."}, "URL", "https://api.anthropic.com", upstream_url_fault, &S::anthropic, &ModelSettings::base_url));
  t.push_back(checked_text({.path = "anthropic.model", .text = "Model that is asked."}, "text", "claude-haiku-4-5", model_fault, &S::anthropic, &ModelSettings::model));
  t.push_back(checked_text({.path = "upstream.system_prompt", .text = "What a language model is told before a conversation. A site may have its own."}, "text", "You are the assistant of this web site. Answer briefly, in the language of the question.", prompt_fault, &S::system_prompt));
  t.push_back(integer({.path = "upstream.max_output_tokens", .text = "Longest answer of a language model, in tokens."}, &S::max_output_tokens, 1024, 1, 1'000'000));
  t.push_back(checked_text({.path = "upstream.temperature", .text = "Temperature that a language model is asked with (Anthropic: at most 1); empty: none is sent."}, "number", "", temperature_fault, &S::upstream, &UpstreamSettings::temperature));
  t.push_back(integer({.path = "upstream.history_tokens", .text = "How much of the conversation so far goes to a language model or into `{{history}}`, in tokens by a guess from above; 0: nothing."}, &S::history_tokens, 4000, 0, 1'000'000));
  t.push_back(checked_text({.path = "upstream.request", .text = "What a webhook of kind `http` is sent: JSON with the placeholders `{{message}}`, `{{message_id}}`, `{{session_id}}`, `{{origin_domain}}`, `{{page_url}}`, `{{user_id}}` (empty where nobody is known) inside of strings, and `\"{{history}}\"` for the list of what was said before."}, "JSON text", "{\"message\":\"{{message}}\",\"session_id\":\"{{session_id}}\",\"message_id\":\"{{message_id}}\"}", request_fault, &S::upstream, &UpstreamSettings::request));
  t.push_back(checked_text({.path = "upstream.answer", .text = "Where in its JSON answer the text stands (a JSON pointer such as `/data/0/text`); empty: any form that an n8n webhook may answer in."}, "text", "", answer_fault, &S::upstream, &UpstreamSettings::answer));
  t.push_back(checked_list({.path = "upstream.headers", .text = "Further headers that it is sent, each `Name: value`.", .secrecy = Secrecy::secret}, "list of headers", kMaxUpstreamHeaders, header_fault, &S::upstream, &UpstreamSettings::headers));
  t.push_back(string({.path = "upstream.ca_file", .text = "PEM file with further certificate authorities for https upstreams."}, &S::upstream_ca_file, ""));
  t.push_back(duration({.path = "upstream.connect_timeout", .text = "Resolving, connecting and the TLS handshake."}, &S::upstream_connect_timeout, Seconds{2}, Milliseconds{50}, minutes{1}));
  t.push_back(duration({.path = "upstream.first_byte_timeout", .text = "From the request to the first byte of the answer."}, &S::upstream_first_byte_timeout, Seconds{30}, Milliseconds{50}, minutes{10}));
  t.push_back(duration({.path = "upstream.idle_timeout", .text = "Longest silence inside an answer."}, &S::upstream_idle_timeout, Seconds{120}, Milliseconds{50}, minutes{60}));
  t.push_back(integer({.path = "upstream.max_connections", .text = "Connections to each upstream, over all workers."}, &S::upstream_max_connections, 100, 1, 100'000));
  t.push_back(integer({.path = "upstream.keep_alive", .text = "Idle connections kept for each upstream, over all workers."}, &S::upstream_keep_alive, 20, 0, 100'000));
  t.push_back(size({.path = "upstream.max_answer", .text = "Longest answer that is passed on."}, &S::upstream_max_answer_bytes, kMiB, kKiB, 64 * kMiB));
  t.push_back(integer({.path = "upstream.tries", .text = "Tries in all where a call is known not to have been executed."}, &S::upstream_tries, 3, 1, 10));
  t.push_back(duration({.path = "upstream.retry_delay", .text = "Wait before the second try, doubled for each further one, with jitter."}, &S::upstream_retry_delay, Seconds{1}, Milliseconds{1}, minutes{1}));
  t.push_back(integer({.path = "upstream.retry_budget_percent", .text = "Retries allowed as a share of calls (10 a minute are always allowed)."}, &S::upstream_retry_budget_percent, 20, 0, 100));
  t.push_back(integer({.path = "upstream.breaker_failures", .text = "Consecutive failures that open the breaker."}, &S::breaker_failures, 5, 1, 1000));
  t.push_back(duration({.path = "upstream.breaker_open", .text = "How long the breaker stays open before it lets a probe through."}, &S::breaker_open, Seconds{60}, Milliseconds{50}, hours{1}));
  t.push_back(integer({.path = "upstream.runs_per_session", .text = "Answers in the making for one session at a time."}, &S::upstream_runs_per_session, 32, 1, 1000));
}

void add_n8n(std::vector<Setting>& t) {
  t.push_back(webhook_paths({.path = "n8n.allowed_paths", .text = "Webhooks (`/webhook/…`) that n8n's own chat widget may call beside the one of `N8N_WEBHOOK_URL` and its `/chat`."}, &S::n8n_allowed_paths));
  t.push_back(string({.path = "n8n.session_key", .text = "The widget's `chatSessionKey`."}, &S::n8n_session_key, "sessionId"));
  t.push_back(string({.path = "n8n.input_key", .text = "The widget's `chatInputKey`."}, &S::n8n_input_key, "chatInput"));
  t.push_back(boolean({.path = "n8n.hosted_page", .text = "Pass n8n's hosted chat page (`GET` of a chat trigger). It runs inline script and a widget from `cdn.jsdelivr.net`, which its Content-Security-Policy then allows; n8n's `WEBHOOK_URL` must name the gateway, else the page speaks to n8n directly."}, &S::n8n_hosted_page, false));
  t.push_back(size({.path = "n8n.max_metadata", .text = "Longest `metadata` that the widget may send along."}, &S::n8n_metadata_bytes, 4 * kKiB, 0, 64 * kKiB));
  t.push_back(integer({.path = "n8n.max_files", .text = "Files in one message of the widget; all together may be as long as `limits.api_body_mb` says. 0: none are taken."}, &S::n8n_max_files, 5, 0, 20));
  t.push_back(strings({.path = "n8n.upload_types", .text = "What these files may be, by their content and not by what they say: of image/png, image/jpeg, image/gif, image/webp, application/pdf, application/zip (office documents too), audio/mpeg, audio/wav, audio/ogg, video/mp4, video/webm, text/plain."}, &S::n8n_upload_types, "image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain"));
}

void add_headers(std::vector<Setting>& t) {
  t.push_back(boolean({.path = "headers.enabled", .env = {"SECURITY_ENABLE_SECURITY_HEADERS"}, .text = "Send the security headers."}, &S::security_headers, true));
  t.push_back(boolean({.path = "headers.csp", .env = {"SECURITY_ENABLE_CSP"}, .text = "Send Content-Security-Policy."}, &S::csp_enabled, true));
  t.push_back(boolean({.path = "headers.hsts", .env = {"SECURITY_ENABLE_HSTS"}, .text = "Send Strict-Transport-Security in production."}, &S::hsts_enabled, true));
  t.push_back(string({.path = "headers.csp_report_uri", .env = {"SECURITY_CSP_REPORT_URI"}, .text = "`report-uri` of the policy."}, &S::csp_report_uri, ""));
  t.push_back(string({.path = "headers.csp_default_src", .env = {"SECURITY_CSP_DEFAULT_SRC"}, .text = "Replaces the profile's `default-src`."}, &S::csp_default_src, ""));
  t.push_back(string({.path = "headers.csp_script_src", .env = {"SECURITY_CSP_SCRIPT_SRC"}, .text = "Replaces the profile's `script-src` (the nonce is added)."}, &S::csp_script_src, ""));
  t.push_back(string({.path = "headers.csp_style_src", .env = {"SECURITY_CSP_STYLE_SRC"}, .text = "Replaces the profile's `style-src` (the nonce is added)."}, &S::csp_style_src, ""));
  t.push_back(string({.path = "headers.csp_img_src", .env = {"SECURITY_CSP_IMG_SRC"}, .text = "Replaces the profile's `img-src`."}, &S::csp_img_src, ""));
  t.push_back(string({.path = "headers.csp_connect_src", .env = {"SECURITY_CSP_CONNECT_SRC"}, .text = "Replaces the profile's `connect-src`."}, &S::csp_connect_src, ""));
  t.push_back(string({.path = "headers.xss_protection", .text = "Value of the dead header X-XSS-Protection; `0` turns old browsers' filter off."}, &S::xss_protection, "1; mode=block"));
}

void add_rest(std::vector<Setting>& t) {
  t.push_back(boolean({.path = "monitor.enabled", .env = {"SECURITY_ENABLE_SECURITY_MONITORING"}, .text = "Record security events."}, &S::monitoring_enabled, true));
  t.push_back(boolean({.path = "monitor.threat_detection", .env = {"SECURITY_ENABLE_THREAT_DETECTION"}, .text = "Kept for configurations of older systems; false is warned about in production."}, &S::threat_detection_enabled, true));
  t.push_back(boolean({.path = "websocket.require_auth", .env = {"SECURITY_WEBSOCKET_REQUIRE_AUTH"}, .text = "Close a chat WebSocket that shows no session within `websocket.auth_timeout`. Without one it can say nothing in any case."}, &S::websocket_require_auth, true));
  t.push_back(integer({.path = "websocket.max", .text = "Open WebSockets in all."}, &S::websocket_max, 1000, 1, 1'000'000));
  t.push_back(integer({.path = "websocket.max_per_address", .env = {"SECURITY_WEBSOCKET_MAX_CONNECTIONS_PER_IP"}, .text = "Open WebSockets of one address (IPv6: one /64)."}, &S::websocket_max_per_address, 10, 1, 1'000'000));
  t.push_back(integer({.path = "websocket.messages_per_minute", .env = {"SECURITY_WEBSOCKET_MAX_MESSAGE_RATE"}, .text = "Data frames of one WebSocket in a minute; a third of them at once."}, &S::websocket_messages_minute, 60, 1, 1'000'000));
  t.push_back(integer({.path = "websocket.message_kb", .env = {"SECURITY_WEBSOCKET_MAX_MESSAGE_SIZE_KB"}, .text = "Longest message of a WebSocket in KiB, all of its frames together."}, &S::websocket_message_kib, 64, 1, 16'384));
  t.push_back(duration({.path = "websocket.ping_interval", .text = "A peer that has said nothing since the last ping is gone."}, &S::websocket_ping, Seconds{20}, Milliseconds{100}, minutes{10}));
  t.push_back(duration({.path = "websocket.idle_timeout", .text = "Without a message, either way, for so long a WebSocket is closed."}, &S::websocket_idle, Seconds{120}, Milliseconds{100}, hours{24}));
  t.push_back(duration({.path = "websocket.auth_timeout", .text = "In which a chat WebSocket that was opened without a session names one."}, &S::websocket_auth_timeout, Seconds{5}, Milliseconds{100}, minutes{1}));
  t.push_back(string({.path = "widget.title", .text = "Title of the widget on the demo page."}, &S::widget_title, "Chat Support"));
  t.push_back(string({.path = "widget.placeholder", .text = "Placeholder of the widget's input on the demo page."}, &S::widget_placeholder, "Type your message…"));
  t.push_back(string({.path = "widget.welcome_message", .text = "First message in the widget on the demo page."}, &S::widget_welcome, "Hello! How can I help you?"));
  t.push_back(string({.path = "widget.position", .text = "`bottom-right` or `bottom-left`."}, &S::widget_position, "bottom-right"));
  t.push_back(string({.path = "widget.theme", .text = "`light`, `dark` or `auto`."}, &S::widget_theme, "auto"));
  t.push_back(checked_text({.path = "redis.url", .text = "Redis that several nodes share their state through: `redis://[user]:[password]@host:port/database`, `rediss://` over TLS. Several servers, with a comma between them, are some of one Redis Cluster; the others are found through them. Without one state is in memory. Texts of visitors are encrypted there.", .secrecy = Secrecy::secret, .restart = Restart::needed}, "URL", "", redis_url_fault, &S::redis_url));
  t.push_back(string({.path = "redis.password", .env = {"SECURITY_REDIS_PASSWORD"}, .text = "Its password, instead of the one in the URL.", .secrecy = Secrecy::secret, .restart = Restart::needed}, &S::redis_password, ""));
  t.push_back(boolean({.path = "redis.tls", .env = {"SECURITY_REDIS_SSL"}, .text = "Speak TLS to it, as `rediss://` does.", .restart = Restart::needed}, &S::redis_tls, false));
  t.push_back(string({.path = "redis.ca_file", .text = "PEM file with further certificate authorities for it.", .restart = Restart::needed}, &S::redis_ca_file, ""));
  t.push_back(checked_text({.path = "redis.prefix", .text = "What every key there begins with; nodes of one gateway need the same, and the same `session.secret_key`.", .restart = Restart::needed}, "text", "portcullis:", redis_prefix_fault, &S::redis_prefix));
  t.push_back(duration({.path = "redis.deadline", .text = "A reply that takes longer counts as a failure.", .restart = Restart::needed}, &S::redis_deadline, Milliseconds{50}, Milliseconds{10}, Seconds{5}));
  t.push_back(choice<StateFallback>({.path = "state.fallback", .env = {"STATE_FALLBACK"}, .text = "While Redis does not answer: `local` limits by this node alone, to its part of each limit; `open` limits nothing; `closed` answers 503.", .restart = Restart::needed}, &S::state_fallback, StateFallback::local,
      {{"local", StateFallback::local}, {"open", StateFallback::open}, {"closed", StateFallback::closed}}));
  t.push_back(integer({.path = "state.nodes", .env = {"STATE_NODES"}, .text = "How many nodes share Redis, for a node that could never ask it; else they are counted there.", .restart = Restart::needed}, &S::state_nodes, 1, 1, 10'000));
  t.push_back(checked_text({.path = "database.url", .text = "PostgreSQL that users, API keys and what was revoked are kept in, so that several nodes share them: `postgresql://user:password@host:5432/database?sslmode=verify-full`, also as `postgres://` and `postgresql+asyncpg://`. Without it they are in a file in `data_dir`. While it is away logins answer 503, and tokens and keys go on.", .secrecy = Secrecy::secret, .restart = Restart::needed}, "URL", "", database_url_fault, &S::database_url));
}

void add_guards(std::vector<Setting>& t) {
  for (const std::string_view name : kGuardNames) {
    const std::string guard(name);
    t.push_back(finish({.path = "guards." + guard + ".mode", .text = "Mode of the `" + guard + "` guard on every route."}, "one of", "enforce", "enforce, monitor, off",
        [guard](Settings& out, const RawValue& raw) -> std::expected<void, std::string> {
          const auto text = scalar(raw);
          if (!text) return std::unexpected(text.error());
          const auto mode = mode_of(*text);
          if (!mode) return std::unexpected("'" + *text + "' is not one of enforce, monitor, off");
          out.guards[guard].mode = *mode;
          return {};
        },
        [guard](const Settings& in) { return std::string(name_of(in.guards.at(guard).mode)); }));
    t.push_back(finish({.path = "guards." + guard + ".on_error", .text = "What happens when the `" + guard + "` guard cannot decide."}, "one of", "refuse", "refuse, pass",
        [guard](Settings& out, const RawValue& raw) -> std::expected<void, std::string> {
          const auto text = scalar(raw);
          if (!text) return std::unexpected(text.error());
          if (*text != "refuse" && *text != "pass") return std::unexpected("'" + *text + "' is not one of refuse, pass");
          out.guards[guard].on_error = *text == "pass" ? OnError::pass : OnError::refuse;
          return {};
        },
        [guard](const Settings& in) -> std::string { return in.guards.at(guard).on_error == OnError::pass ? "pass" : "refuse"; }));
  }
}

}  // namespace

std::string_view name_of(Profile profile) noexcept {
  switch (profile) {
    case Profile::development: return "development";
    case Profile::staging: return "staging";
    case Profile::production: return "production";
  }
  return {};
}

std::string_view name_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::enforce: return "enforce";
    case Mode::monitor: return "monitor";
    case Mode::off: return "off";
  }
  return {};
}

std::string_view name_of(UpstreamKind kind) noexcept {
  switch (kind) {
    case UpstreamKind::automatic: return "auto";
    case UpstreamKind::demo: return "demo";
    case UpstreamKind::n8n: return "n8n";
    case UpstreamKind::openai: return "openai";
    case UpstreamKind::anthropic: return "anthropic";
    case UpstreamKind::http: return "http";
  }
  return {};
}

std::string_view name_of(BotChallenge challenge) noexcept {
  switch (challenge) {
    case BotChallenge::off: return "off";
    case BotChallenge::proof_of_work: return "proof_of_work";
    case BotChallenge::hcaptcha: return "hcaptcha";
    case BotChallenge::turnstile: return "turnstile";
  }
  return {};
}

std::optional<Mode> mode_of(std::string_view name) noexcept {
  for (const Mode mode : {Mode::enforce, Mode::monitor, Mode::off}) {
    if (name_of(mode) == name) return mode;
  }
  return std::nullopt;
}

std::optional<IdentityForm> identity_form_of(std::string_view name) noexcept {
  if (name == "jwt") return IdentityForm::jwt;
  if (name == "hash") return IdentityForm::hash;
  return std::nullopt;
}

std::string_view name_of(ProofOfPossession proof) noexcept {
  constexpr std::string_view kNames[] = {"off", "offer", "require"};
  return kNames[static_cast<std::size_t>(proof)];
}

std::optional<ProofOfPossession> proof_of_possession_of(std::string_view name) noexcept {
  for (const auto proof : {ProofOfPossession::off, ProofOfPossession::offer, ProofOfPossession::require}) {
    if (name_of(proof) == name) return proof;
  }
  return std::nullopt;
}

std::optional<BotChallenge> bot_challenge_of(std::string_view name) noexcept {
  for (const auto challenge : {BotChallenge::off, BotChallenge::proof_of_work, BotChallenge::hcaptcha, BotChallenge::turnstile}) {
    if (name_of(challenge) == name) return challenge;
  }
  return std::nullopt;
}

std::optional<UpstreamKind> upstream_kind_of(std::string_view name) noexcept {
  for (const auto kind : {UpstreamKind::automatic, UpstreamKind::demo, UpstreamKind::n8n, UpstreamKind::openai, UpstreamKind::anthropic, UpstreamKind::http}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

const std::vector<Setting>& settings_table() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> t;
    add_identity(t);
    add_server(t);
    add_identity_of_visitors(t);
    add_users(t);
    add_limits(t);
    add_content(t);
    add_streams(t);
    add_upstream(t);
    add_n8n(t);
    add_headers(t);
    add_rest(t);
    add_guards(t);
    return t;
  }();
  return table;
}

const Setting* find_setting(std::string_view path) {
  const auto& table = settings_table();
  const auto at = std::ranges::find(table, path, &Setting::path);
  return at == table.end() ? nullptr : &*at;
}

}  // namespace portcullis::config

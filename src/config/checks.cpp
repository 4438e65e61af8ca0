#include "config/checks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.hpp"
#include "config/captcha_values.hpp"
#include "config/database_url.hpp"
#include "config/route_values.hpp"
#include "config/upstream_values.hpp"
#include "crypto/digest.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kShortestSecret = 32;
constexpr std::size_t kRecommendedSecret = 64;

bool any_set(const Loaded& loaded, std::string_view path) {
  return std::ranges::find(loaded.set, path) != loaded.set.end();
}

void check_secret_list(Loaded& loaded, const std::string& name,
                       const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    if (const auto weakness = weakness_of_secret(secret); !weakness.empty()) {
      loaded.errors.push_back({name, weakness});
    } else if (secret.size() < kRecommendedSecret) {
      loaded.warnings.push_back({name, "is shorter than the recommended 64 bytes"});
    }
  }
}

/// A value that could not be taken is named by an error of its own; it is not missing too.
void require(Loaded& loaded, const std::string& name, bool there, const std::string& otherwise) {
  const bool named = std::ranges::any_of(loaded.errors, [&](const Problem& error) {
    return error.place == name || error.place == name + "_FILE";
  });
  if (!there && !named) loaded.errors.push_back({name, otherwise});
}

void require_secret(Loaded& loaded, const std::string& name,
                    const std::vector<std::string>& secrets) {
  require(loaded, name, !secrets.empty(), "is missing: make one with `openssl rand -base64 48`");
}

std::string identity_place(const SiteSettings& site, const std::string& member) {
  return site.id == "default" ? "VISITOR_IDENTITY_" + text::to_upper(member)
                              : "sites." + site.id + ".visitor_identity." + member;
}

/// What a site needs so that nobody can be taken for another.
void check_identities(Loaded& loaded) {
  for (const auto& site : loaded.settings.sites) {
    const auto& identity = site.visitor_identity;
    const auto error = [&](const char* member, const char* what) {
      loaded.errors.push_back({identity_place(site, member), what});
    };
    const bool hash = identity.form == IdentityForm::hash;
    if (hash && identity.secret.empty()) error("secret", "is needed for the form hash");
    if (!identity.is_set()) {
      if (identity.required) error("required", "nobody can be known without a secret or key_file");
      continue;
    }
    if (!identity.secret.empty() && !identity.key_file.empty()) {
      error("key_file", "is set beside a secret: one of them counts");
    }
    if (hash) {
      loaded.warnings.push_back({identity_place(site, "form"),
                                 "is hash: whoever has seen one can be that user for ever"});
    } else if (identity.issuer.empty()) {
      error("issuer", "is needed to know the site's tokens by");
    } else if (identity.audience.empty()) {
      error("audience", "is empty");
    }
  }
}

void check_secrets(Loaded& loaded) {
  const auto& s = loaded.settings;
  check_secret_list(loaded, "JWT_SECRET_KEY", s.jwt_secrets);
  check_secret_list(loaded, "SESSION_SECRET_KEY", s.session_secrets);
  check_secret_list(loaded, "SECURITY_JWT_SECRET_KEY", s.auth_secrets);
  const auto refuse_shared = [&](const std::vector<std::string>& some,
                                 const std::vector<std::string>& others, const char* place,
                                 const char* message) {
    const bool shared = std::ranges::any_of(some, [&](const std::string& secret) {
      return std::ranges::find(others, secret) != others.end();
    });
    if (shared) loaded.errors.push_back({place, message});
  };
  refuse_shared(s.jwt_secrets, s.session_secrets, "SESSION_SECRET_KEY",
                "equals JWT_SECRET_KEY: whoever edits an n8n workflow knows that one");
  refuse_shared(s.jwt_secrets, s.auth_secrets, "SECURITY_JWT_SECRET_KEY",
                "equals JWT_SECRET_KEY: whoever edits an n8n workflow could make himself an admin");
  refuse_shared(s.session_secrets, s.auth_secrets, "SECURITY_JWT_SECRET_KEY",
                "equals SESSION_SECRET_KEY: each is for one use");
  for (const auto& site : s.sites) {
    if (site.visitor_identity.secret.empty()) continue;
    const std::vector<std::string> own{site.visitor_identity.secret};
    const std::string place = identity_place(site, "secret");
    check_secret_list(loaded, place, own);
    for (const auto* others : {&s.jwt_secrets, &s.session_secrets, &s.auth_secrets}) {
      refuse_shared(own, *others, place.c_str(),
                    "equals a secret of the gateway's: the site's server would know that one");
    }
  }
  if (s.development()) return;
  if (!s.has_users()) {
    loaded.notes.emplace_back(
        "neither SECURITY_JWT_SECRET_KEY nor AUTH_KEY_FILES is set: nobody can log in");
  }
  require_secret(loaded, "JWT_SECRET_KEY", s.jwt_secrets);
  require_secret(loaded, "SESSION_SECRET_KEY", s.session_secrets);
}

void check_origins(Loaded& loaded) {
  const auto& s = loaded.settings;
  std::set<std::string> seen;
  for (const auto& site : s.sites) {
    for (const auto& origin : site.origins) {
      if (origin.is_any() && s.production()) {
        loaded.errors.push_back(
            {"ALLOWED_ORIGINS", "`*` is refused in production: name the origins"});
      }
      if (!seen.insert(origin.text()).second) {
        loaded.errors.push_back({"sites", origin.text() + " belongs to two sites"});
      }
    }
  }
  if (s.production() && s.sites.size() == 1 && s.allowed_origins.empty() && s.public_url.empty()) {
    loaded.warnings.push_back({"ALLOWED_ORIGINS", "is empty: no web page may use this gateway"});
  }
  if (s.public_url.find('@') != std::string::npos) {
    loaded.errors.push_back({"PUBLIC_URL", "user and password do not belong into the URL"});
  } else if (!s.public_url.empty() && !Origin::of_url(s.public_url)) {
    loaded.errors.push_back({"PUBLIC_URL", "'" + s.public_url + "' is no http or https URL"});
  }
}

/// Where nobody is answered without a key.
constexpr std::string_view kProviders[] = {"api.openai.com", "api.anthropic.com"};

/// Whether a host lies in one's own house: loopback, a private address, or a name without a dot,
/// as services of one compose file or cluster have.
bool is_private_host(const std::string& host) {
  if (is_loopback_host(host)) return true;
  const bool bracketed = host.starts_with('[');
  const auto address = IpAddress::parse(bracketed ? host.substr(1, host.size() - 2) : host);
  return address ? address->is_private() : host.find('.') == std::string::npos;
}

/// What is secret must not leave the house unencrypted.
void check_way_of_secrets(Loaded& loaded, const std::string& url, const std::string& place) {
  const auto origin = Origin::of_url(url);
  if (!origin || origin->scheme == "https" || is_loopback_host(origin->host)) return;
  const bool refused = loaded.settings.production() && !is_private_host(origin->host);
  (refused ? loaded.errors : loaded.warnings)
      .push_back({place, "is http: the API key would travel unencrypted"});
}

UpstreamKind automatic_kind(const UpstreamSettings& upstream, const Settings& s) {
  if (!upstream.url.empty()) return UpstreamKind::n8n;
  if (!s.openai.api_key.empty()) return UpstreamKind::openai;
  if (!s.anthropic.api_key.empty()) return UpstreamKind::anthropic;
  return UpstreamKind::demo;
}

/// Fills in for a language model what the site does not say itself, and checks what comes of it.
void resolve_model(Loaded& loaded, const SiteSettings& site, UpstreamSettings& upstream) {
  const auto& s = loaded.settings;
  const bool openai = upstream.kind == UpstreamKind::openai;
  const ModelSettings& given = openai ? s.openai : s.anthropic;
  // `upstream.url` and `.api_key` of the default site are n8n's.
  const bool main = site.id == "default";
  const auto place = [&](const char* name, const char* member) {
    return main ? std::string(openai ? "OPENAI_" : "ANTHROPIC_") + name
                : "sites." + site.id + ".upstream." + member;
  };
  // A key belongs to the server that it was given for: no other gets it.
  if (main || upstream.url.empty()) {
    upstream.url = given.base_url;
    if (main || upstream.api_key.empty()) upstream.api_key = given.api_key;
  }
  if (upstream.model.empty()) upstream.model = given.model;
  if (upstream.temperature.empty()) upstream.temperature = s.upstream.temperature;
  if (!upstream.system_prompt) upstream.system_prompt = s.system_prompt;
  if (!upstream.max_output_tokens) upstream.max_output_tokens = s.max_output_tokens;
  if (upstream.model.empty()) loaded.errors.push_back({place("MODEL", "model"), "is empty"});
  const auto origin = Origin::of_url(upstream.url);
  if (!origin) return loaded.errors.push_back({place("BASE_URL", "url"), "is empty"});
  if (upstream.api_key.empty()) {
    // Servers in one's own house often want none.
    const bool provider = std::ranges::find(kProviders, origin->host) != std::end(kProviders);
    (provider ? loaded.errors : loaded.warnings)
        .push_back({place("API_KEY", "api_key"),
                    "is missing for the upstream kind " + std::string(name_of(upstream.kind))});
  } else {
    check_way_of_secrets(loaded, upstream.url, place("BASE_URL", "url"));
  }
  if (!openai && temperature_of(upstream.temperature) > 1) {
    loaded.errors.push_back({main ? "UPSTREAM_TEMPERATURE" : place("", "temperature"),
                             "is above 1, the most that Anthropic takes"});
  }
}

/// Fills in for a plain webhook what the site does not say itself, and checks what comes of it.
void resolve_webhook(Loaded& loaded, const SiteSettings& site, UpstreamSettings& upstream) {
  const bool main = site.id == "default";
  const auto place = [&](const char* name, const char* member) {
    return main ? name : "sites." + site.id + ".upstream." + member;
  };
  if (upstream.request.empty()) {
    const auto& general = loaded.settings.upstream;
    upstream.request = general.request;
    if (upstream.answer.empty()) upstream.answer = general.answer;
  }
  if (upstream.url.empty()) {
    loaded.errors.push_back({place("UPSTREAM_URL", "url"), "is needed for the upstream kind http"});
  }
  const bool authorized = std::ranges::any_of(upstream.headers, [](std::string_view header) {
    return text::istarts_with(header, "authorization:");
  });
  if (authorized && !upstream.api_key.empty()) {
    loaded.errors.push_back(
        {place("UPSTREAM_HEADERS", "headers"), "has an Authorization beside that of the API key"});
  }
  if (!upstream.api_key.empty() || !upstream.headers.empty()) {
    check_way_of_secrets(loaded, upstream.url, place("UPSTREAM_URL", "url"));
  }
}

void resolve_upstreams(Loaded& loaded) {
  auto& s = loaded.settings;
  for (auto& site : s.sites) {
    const std::string place =
        site.id == "default" ? "N8N_WEBHOOK_URL" : "sites." + site.id + ".upstream";
    auto& upstream = site.upstream;
    const bool automatic = upstream.kind == UpstreamKind::automatic;
    if (automatic) upstream.kind = automatic_kind(upstream, s);
    if (upstream.kind == UpstreamKind::n8n && upstream.url.empty()) {
      loaded.errors.push_back({place, "is needed for the upstream kind n8n"});
    }
    if (!upstream.history_tokens) upstream.history_tokens = s.history_tokens;
    if (is_model(upstream.kind)) resolve_model(loaded, site, upstream);
    if (upstream.kind == UpstreamKind::http) resolve_webhook(loaded, site, upstream);
    if (upstream.kind != UpstreamKind::demo) continue;
    if (automatic && s.production()) {
      loaded.errors.push_back({place,
                               "is missing: in production the demo assistant answers only "
                               "where UPSTREAM_KIND=demo says so"});
    } else if (automatic && site.id == "default") {
      loaded.notes.push_back("no upstream is configured: the built-in demo assistant answers");
    }
  }
  const bool webhook = std::ranges::any_of(
      s.sites, [](const auto& site) { return site.upstream.kind == UpstreamKind::http; });
  for (const char* path : {"upstream.request", "upstream.answer", "upstream.headers"}) {
    if (webhook || !any_set(loaded, path)) continue;
    loaded.warnings.push_back(
        {path, "is set, but no upstream is of the kind http (UPSTREAM_KIND=http)"});
  }
  const int given = int{!s.upstream.url.empty()} + int{!s.openai.api_key.empty()} +
                    int{!s.anthropic.api_key.empty()};
  if (s.upstream.kind == UpstreamKind::automatic && given > 1) {
    loaded.warnings.push_back(
        {"UPSTREAM_KIND", "is not set and several upstreams are: " +
                              std::string(name_of(s.sites.front().upstream.kind)) + " answers"});
  }
}

/// Fills in how visitors of a site are challenged where it does not say so itself, and checks that
/// it can be done.
void resolve_challenge(Loaded& loaded, SiteSettings& site) {
  const auto& s = loaded.settings;
  auto& challenge = site.challenge;
  if (!challenge.kind) challenge.kind = s.bot_challenge;
  const auto* provider = captcha_provider(*challenge.kind);
  if (provider == nullptr) return;
  // A key is nothing to another provider, and a secret nothing without the key that it belongs to.
  const bool own = !challenge.keys.site_key.empty() || !challenge.keys.secret.empty();
  if (!own && *challenge.kind == s.bot_challenge) challenge.keys = s.captcha_keys;
  const bool main = site.id == "default";
  const auto place = [&](const char* name, const char* member) {
    return main ? name : "sites." + site.id + ".challenge." + member;
  };
  const std::string needed = "is needed for the challenge " + std::string(provider->name);
  require(loaded, place("BOT_CHALLENGE_SITE_KEY", "site_key"), !challenge.keys.site_key.empty(),
          needed);
  require(loaded, place("BOT_CHALLENGE_SECRET", "secret"), !challenge.keys.secret.empty(), needed);
}

void resolve_challenges(Loaded& loaded) {
  std::set<std::string_view> providers;
  for (auto& site : loaded.settings.sites) {
    resolve_challenge(loaded, site);
    if (const auto* provider = captcha_provider(*site.challenge.kind)) {
      providers.insert(provider->name);
    }
  }
  for (const char* path : {"bot.challenge_verify_url", "bot.challenge_script_url"}) {
    if (providers.size() < 2 || !any_set(loaded, path)) continue;
    loaded.errors.push_back({path, "is one address, but the sites have two providers"});
  }
  for (const char* path : {"bot.challenge_site_key", "bot.challenge_secret",
                           "bot.challenge_verify_url", "bot.challenge_script_url"}) {
    if (!providers.empty() || !any_set(loaded, path)) continue;
    loaded.warnings.push_back(
        {path, "is set, but nobody is challenged by it (BOT_CHALLENGE=hcaptcha or turnstile)"});
  }
}

void check_protected_routes(Loaded& loaded) {
  const auto& s = loaded.settings;
  for (const auto& route : s.routes) {
    if (!route.proxy) continue;
    const auto& proxy = *route.proxy;
    const auto error = [&](std::string message) {
      loaded.errors.push_back({"routes " + route.path, std::move(message)});
    };
    if (std::ranges::find(s.services, proxy.service, &ServiceSettings::id) == s.services.end()) {
      error("there is no service '" + proxy.service + "'");
    }
    const auto& site = proxy.site;
    if (!site.empty() && std::ranges::find(s.sites, site, &SiteSettings::id) == s.sites.end()) {
      error("there is no site '" + site + "'");
    }
    if (rewrite_fault(route.path)) error("is no plain path");
    if (proxy.rewrite && proxy.rewrite->ends_with('/') != route.path.ends_with('/')) {
      error("and its rewrite must both end with / or both not");
    }
    if (proxy.websocket && proxy.methods != std::vector<std::string>{"GET"}) {
      error("is a WebSocket, which GET alone opens");
    }
    if (!proxy.types.empty() && !(proxy.websocket && proxy.inspected)) {
      error("names types of messages, but looks at none");
    }
    if (!proxy.token_parameter.empty() && !proxy.websocket) {
      error("takes a token in its query, which only a WebSocket may");
    }
    if (proxy.websocket && proxy.leaks != LeakMode::off) {
      error("is a WebSocket, whose messages are not looked into for leaks");
    }
    if (proxy.leaks == LeakMode::off && !proxy.leaks_except.empty()) {
      error("leaves out rules of answers, but looks into none");
    }
    if (proxy.files) {
      const auto longest = proxy.max_body.value_or(s.api_body_megabytes * 1024 * 1024);
      if (proxy.websocket || !proxy.inspected)
        error("takes files in bodies that are not inspected");
      if (proxy.files->size.value_or(0) > longest) error("takes files that are longer than a body");
      if (longest > s.forms_total_bytes) {
        error("takes forms that are longer than all may be together (LIMITS_FORMS_TOTAL)");
      }
    }
    const bool asks = !proxy.roles.empty() || !proxy.scope.empty() || proxy.location;
    if (!proxy.authenticated && asks) error("asks for roles of nobody: auth is none");
    if (!proxy.authenticated && proxy.kind == "token") {
      error("has auth none: its kind must be anonymous or browser, or pages of anybody call it");
    }
    if (!proxy.authenticated) continue;
    if (!s.has_users() && !s.development()) {
      error("needs SECURITY_JWT_SECRET_KEY or AUTH_KEY_FILES to know who is calling");
    }
    for (const char* guard : {"credentials", "rate", "access"}) {
      const auto own = route.guard_modes.find(guard);
      const auto mode = own != route.guard_modes.end() ? own->second : s.guards.at(guard).mode;
      if (mode == Mode::off) {
        error("asks who is calling, so the guard " + std::string(guard) + " cannot be off");
      }
    }
  }
}

void check_checklist(Loaded& loaded) {
  const auto& s = loaded.settings;
  const auto warn = [&](const char* name, const char* message) {
    loaded.warnings.push_back({name, message});
  };
  if (s.production()) {
    if (!s.require_https) warn("SECURITY_REQUIRE_HTTPS", "is off in production");
    if (s.require_https && s.trusted_proxies.empty()) {
      warn("TRUSTED_PROXIES",
           "is empty: nobody can say that a request came over https, and all others are refused");
    }
    if (s.public_url.empty() && s.allowed_hosts.empty()) {
      warn("PUBLIC_URL",
           "is not set, and neither is ALLOWED_HOSTS: only hosts of ALLOWED_ORIGINS are served");
    }
    if (s.access_token_minutes > 60) {
      warn("SECURITY_JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "is above 60 minutes in production");
    }
    if (!s.monitoring_enabled) warn("SECURITY_ENABLE_SECURITY_MONITORING", "is off in production");
    if (!s.threat_detection_enabled)
      warn("SECURITY_ENABLE_THREAT_DETECTION", "is off in production");
    if (s.limit_api_address_minute > 500) {
      warn("SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE", "is above 500 in production");
    }
    if (s.debug) warn("DEBUG", "is on in production: error texts show details");
    if (!s.security_headers) warn("SECURITY_ENABLE_SECURITY_HEADERS", "is off in production");
  }
  if (!s.sanitize_context) warn("SECURITY_ENABLE_INPUT_SANITIZATION", "is off");
  if (!s.websocket_require_auth) warn("SECURITY_WEBSOCKET_REQUIRE_AUTH", "is off");
  if (!s.redis_url.empty() && s.development() && !any_set(loaded, "session.secret_key")) {
    warn("REDIS_URL",
         "is set without SESSION_SECRET_KEY: each node makes a secret of its own, and "
         "nodes with different ones share nothing");
  }
  if (!s.database_url.empty() && s.development() && !any_set(loaded, "session.secret_key")) {
    warn("DATABASE_URL",
         "is set without SESSION_SECRET_KEY: each node makes a secret of its own, and keys and "
         "second factors of one are void at the others");
  }
  if (const auto url = DatabaseUrl::parse(s.database_url);
      url && !url->is_local() && !url->is_encrypted()) {
    warn("DATABASE_URL",
         "does not insist on TLS: without sslmode=verify-full whoever is in between may read and "
         "change what users log in with");
  }
  if (any_set(loaded, "upstream.api_key") && s.upstream.url.starts_with("http://") &&
      !is_loopback_host(Origin::of_url(s.upstream.url).value_or(Origin{}).host)) {
    warn("N8N_API_KEY", "travels unencrypted: the webhook URL is http");
  }
  for (const auto& guard : s.guards) {
    if (guard.second.mode != Mode::enforce) {
      loaded.warnings.push_back(
          {"guards." + guard.first + ".mode",
           "the guard runs in mode " + std::string(name_of(guard.second.mode))});
    }
  }
}

void check_values(Loaded& loaded) {
  const auto& s = loaded.settings;
  const auto error = [&](const char* name, std::string message) {
    loaded.errors.push_back({name, std::move(message)});
  };
  if (s.jwt_algorithm != "HS256") {
    error("JWT_ALGORITHM",
          "'" + s.jwt_algorithm + "' is not supported for the upstream token; only HS256 is");
  }
  if (s.production() && s.state_simulate != StateSimulation::none) {
    error("STATE_SIMULATE", "is for tests and refused in production");
  }
  if (s.geo_enabled && s.geo_database.empty()) {
    error("GEO_DATABASE", "is needed to know the country of an address");
  }
  if (s.geo_enabled && s.geo_blocked_countries.empty()) {
    error("SECURITY_BLOCKED_COUNTRIES", "is empty, so there is nothing to block");
  }
  for (const auto& site : s.sites) {
    const auto alert = site.session_risk.alert.value_or(s.session_risk_alert);
    if (site.session_risk.deny.value_or(s.session_risk_deny) < alert) {
      error("SESSION_RISK_DENY", "is below SESSION_RISK_ALERT on site " + site.id);
    }
  }
  if (s.auth_issuer.empty()) error("AUTH_ISSUER", "is empty");
  if (s.auth_audience.empty()) error("AUTH_AUDIENCE", "is empty");
  if (!s.oidc_issuer.empty()) {
    if (s.oidc_audience.empty()) error("AUTH_OIDC_AUDIENCE", "is needed with AUTH_OIDC_ISSUER");
    if (s.oidc_issuer == s.auth_issuer) error("AUTH_OIDC_ISSUER", "is AUTH_ISSUER: our own");
    if (!s.has_users() && !s.development()) {
      error("AUTH_OIDC_ISSUER",
            "needs SECURITY_JWT_SECRET_KEY or AUTH_KEY_FILES, too: what is revoked is kept beside "
            "our own users");
    }
  }
  if (!text::is_token(s.cookie_name)) error("SESSION_COOKIE_NAME", "is no name of a cookie");
  if (!s.client_address_header.empty() && !text::is_token(s.client_address_header)) {
    error("CLIENT_ADDRESS_HEADER", "is no header name");
  }
  if (!s.gateway_prefix.empty() &&
      (!s.gateway_prefix.starts_with('/') || s.gateway_prefix.ends_with('/'))) {
    error("GATEWAY_PREFIX", "must begin with / and not end with it");
  }
  for (const auto* key : {&s.n8n_session_key, &s.n8n_input_key}) {
    const bool plain = !key->empty() && key->size() <= 64 && std::ranges::all_of(*key, [](char c) {
      return text::is_alnum(c) || c == '_' || c == '-' || c == '.';
    });
    if (!plain || *key == "action" || *key == "metadata" || *key == "files" ||
        *key == "jwt_token") {
      error(key == &s.n8n_session_key ? "N8N_SESSION_KEY" : "N8N_INPUT_KEY",
            "'" + *key + "' is no name that the widget could use for it");
    }
  }
  if (s.n8n_session_key == s.n8n_input_key) error("N8N_INPUT_KEY", "equals N8N_SESSION_KEY");
  for (const auto& type : s.n8n_upload_types) {
    if (auto fault = upload_type_fault(type)) error("N8N_UPLOAD_TYPES", *std::move(fault));
  }
  if (s.n8n_max_files > 0 && s.forms_total_bytes < s.api_body_megabytes * 1024 * 1024) {
    error("LIMITS_FORMS_TOTAL", "is less than one form may have (SECURITY_MAX_REQUEST_SIZE_MB)");
  }
  if (!s.health_path.starts_with('/')) error("HEALTH_CHECK_PATH", "must begin with /");
  if (s.widget_position != "bottom-right" && s.widget_position != "bottom-left") {
    error("WIDGET_POSITION", "'" + s.widget_position + "' is not one of bottom-right, bottom-left");
  }
  if (s.widget_theme != "light" && s.widget_theme != "dark" && s.widget_theme != "auto") {
    error("WIDGET_THEME", "'" + s.widget_theme + "' is not one of light, dark, auto");
  }
  if (s.ops_listen != "off") {
    const auto colon = s.ops_listen.rfind(':');
    const bool ok =
        colon != std::string::npos &&
        text::parse_number<std::uint16_t>(std::string_view(s.ops_listen).substr(colon + 1));
    if (!ok) error("OPS_LISTEN", "'" + s.ops_listen + "' is no address:port and not off");
  }
  for (const auto* csp : {&s.csp_default_src, &s.csp_script_src, &s.csp_style_src, &s.csp_img_src,
                          &s.csp_connect_src, &s.csp_report_uri}) {
    if (csp->find_first_of(";,\r\n") != std::string::npos) {
      error("SECURITY_CSP_*", "'" + *csp + "' must not contain ; or ,");
    }
  }
}

/// A secret made before; empty where there is none.
std::string secret_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string secret;
  std::getline(in, secret);
  return secret.size() >= kShortestSecret ? secret : std::string();
}

/// Writes a secret where there is none: all of it at once, and by one of those that try.
/// @returns what stands there then; empty where the folder cannot be used.
std::string put_secret(const std::filesystem::path& file, const std::string& secret) {
  const std::string fresh = file.string() + '.' + std::to_string(::getpid());
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string line = secret + "\n";
  const bool written = descriptor >= 0 && ::write(descriptor, line.data(), line.size()) ==
                                              static_cast<ssize_t>(line.size());
  if (descriptor >= 0) ::close(descriptor);
  // A link is refused where the name is taken. What is too short to be a secret is none.
  const bool linked = written && ::link(fresh.c_str(), file.c_str()) == 0;
  std::string out = linked ? secret : secret_in(file);
  if (written && out.empty() && ::rename(fresh.c_str(), file.c_str()) == 0) out = secret;
  ::unlink(fresh.c_str());
  return out;
}

/// Reads a secret made before or makes it, the same for several processes that start at a time.
std::string development_secret(const std::filesystem::path& folder, const std::string& name,
                               Loaded& loaded) {
  const auto file = folder / name;
  if (auto secret = secret_in(file); !secret.empty()) return secret;
  std::string secret = text::base64url(crypto::random_bytes(48));
  auto kept = put_secret(file, secret);
  if (kept.empty()) {
    loaded.warnings.push_back(
        {file.string(), "cannot be written: the secret lasts until the next start"});
    return secret;
  }
  loaded.notes.push_back("made " + file.string() + " (development only; set " +
                         text::to_upper(name) + " elsewhere)");
  return kept;
}

}  // namespace

std::string weakness_of_secret(const std::string& secret) {
  if (secret.size() < kShortestSecret) return "is shorter than 32 bytes";
  const std::set<char> distinct(secret.begin(), secret.end());
  if (distinct.size() < 10) return "has too few different characters to be random";
  const std::string lower = text::to_lower(secret);
  for (const char* known : {"change-me", "changeme", "change_me", "change-this", "change_this",
                            "your-secret", "your_secret", "your-super-secret", "secret-key",
                            "secret_key", "replace-me", "replace_me", "default-secret", "insecure",
                            "0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz"}) {
    if (lower.find(known) != std::string::npos) return "looks like a well-known default";
  }
  return {};
}

void check(Loaded& loaded) {
  check_secrets(loaded);
  check_origins(loaded);
  check_identities(loaded);
  resolve_upstreams(loaded);
  check_protected_routes(loaded);
  resolve_challenges(loaded);
  check_values(loaded);
  check_checklist(loaded);
}

void ensure_development_secrets(Loaded& loaded) {
  auto& s = loaded.settings;
  const bool complete = !s.jwt_secrets.empty() && !s.session_secrets.empty() && s.has_users();
  if (!s.development() || complete) return;
  const auto folder = std::filesystem::path(s.data_dir) / "secrets";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  ::chmod(folder.c_str(), 0700);
  if (s.jwt_secrets.empty()) {
    s.jwt_secrets.push_back(development_secret(folder, "jwt_secret_key", loaded));
  }
  if (s.session_secrets.empty()) {
    s.session_secrets.push_back(development_secret(folder, "session_secret_key", loaded));
  }
  if (!s.has_users()) {
    s.auth_secrets.push_back(development_secret(folder, "security_jwt_secret_key", loaded));
  }
}

}  // namespace portcullis::config

#include "gateway/runtime.hpp"

#include <filesystem>

#include "config/captcha_values.hpp"
#include "detect/engine.hpp"
#include "gateway/gateway.hpp"
#include "gateway/integrity_event.hpp"
#include "guards/rate/conduct.hpp"
#include "identity/from_settings.hpp"
#include "routes/auth/auth_routes.hpp"
#include "routes/echo/echo_routes.hpp"
#include "routes/fallback_routes.hpp"
#include "routes/n8n/n8n_routes.hpp"
#include "routes/proxy/proxy_routes.hpp"
#include "routes/security/security_routes.hpp"
#include "upstream/chat_model.hpp"
#include "upstream/demo.hpp"
#include "upstream/n8n.hpp"
#include "upstream/webhook.hpp"

namespace portcullis::gateway {
namespace {

std::string user_agent() { return "portcullis/" + std::string(version()); }

upstream::HttpServiceOptions service_options(const config::Settings& s, std::string name,
                                             std::string url, unsigned workers) {
  upstream::HttpServiceOptions o;
  o.name = std::move(name);
  o.url = std::move(url);
  o.ca_file = s.upstream_ca_file;
  o.user_agent = user_agent();
  o.connect_timeout = s.upstream_connect_timeout;
  o.first_byte_timeout = s.upstream_first_byte_timeout;
  o.idle_timeout = s.upstream_idle_timeout;
  o.max_connections = static_cast<std::size_t>(s.upstream_max_connections);
  o.keep_alive = static_cast<std::size_t>(s.upstream_keep_alive);
  o.max_answer_bytes = static_cast<std::size_t>(s.upstream_max_answer_bytes);
  o.tries = static_cast<int>(s.upstream_tries);
  o.retry_delay = s.upstream_retry_delay;
  o.retry_budget_percent = static_cast<int>(s.upstream_retry_budget_percent);
  o.breaker = {static_cast<int>(s.breaker_failures), s.breaker_open};
  o.workers = workers;
  return o;
}

upstream::HttpServiceOptions service_options(const config::Settings& s,
                                             const config::SiteSettings& site, unsigned workers) {
  return service_options(s, site.id, site.upstream.url, workers);
}

detect::EngineOptions engine_options(const config::Settings& s) {
  detect::EngineOptions options;
  options.threshold = {static_cast<std::uint16_t>(s.content_threshold_prose),
                       static_cast<std::uint16_t>(s.content_threshold_structure)};
  if (!s.content_sqli) options.off.add(detect::AttackClass::sqli);
  if (!s.content_xss) options.off.add(detect::AttackClass::xss);
  return options;
}

/// What makes two configurations of a service the same.
std::string identity_of(const upstream::HttpServiceOptions& o) {
  std::string out;
  for (const auto* text : {&o.name, &o.url, &o.ca_file, &o.client_certificate, &o.client_key}) {
    out += *text + '\0';
  }
  // Renewed files make another one of it.
  for (const auto* file : {&o.ca_file, &o.client_certificate, &o.client_key}) {
    std::error_code none;
    const auto time = std::filesystem::last_write_time(*file, none);
    if (!none) out += std::to_string(time.time_since_epoch().count()) + ',';
  }
  for (const auto number :
       {o.connect_timeout.count(), o.first_byte_timeout.count(), o.idle_timeout.count(),
        o.total_timeout.count(), static_cast<std::int64_t>(o.max_connections),
        static_cast<std::int64_t>(o.keep_alive), static_cast<std::int64_t>(o.max_answer_bytes),
        std::int64_t{o.tries}, o.retry_delay.count(), std::int64_t{o.retry_budget_percent},
        std::int64_t{o.breaker.failures}, o.breaker.open_for.count()}) {
    out += std::to_string(number) + ',';
  }
  return out;
}

upstream::ChatModelOptions model_options(const config::Settings& s,
                                         const config::SiteSettings& site, unsigned workers) {
  upstream::ChatModelOptions o;
  o.api = site.upstream.kind == config::UpstreamKind::openai ? upstream::ModelApi::openai
                                                             : upstream::ModelApi::anthropic;
  o.service = service_options(s, site, workers);
  o.api_key = site.upstream.api_key;
  o.model = site.upstream.model;
  o.system_prompt = site.upstream.system_prompt.value_or("");
  o.max_output_tokens = static_cast<std::uint32_t>(site.upstream.max_output_tokens.value_or(1024));
  o.temperature = site.upstream.temperature;
  o.history_tokens = static_cast<std::uint32_t>(site.upstream.history_tokens.value_or(0));
  return o;
}

upstream::WebhookOptions webhook_options(const config::Settings& s,
                                         const config::SiteSettings& site, unsigned workers) {
  const auto& u = site.upstream;
  return {service_options(s, site, workers),
          u.api_key,
          u.headers,
          u.request,
          u.answer,
          static_cast<std::uint32_t>(u.history_tokens.value_or(0))};
}

/// Calls to a provider of captchas at a time; each has its connection.
constexpr std::size_t kCaptchaConnections = 32;

upstream::SiteverifyOptions siteverify_options(const config::Settings& s,
                                               const config::SiteSettings& site,
                                               const config::CaptchaProvider& provider,
                                               unsigned workers) {
  upstream::SiteverifyOptions o;
  o.service = service_options(s, site, workers);
  o.service.name = "challenge:" + std::string(provider.name);
  o.service.url = config::captcha_verify_url(s, provider);
  o.service.connect_timeout = std::min(s.upstream_connect_timeout, s.captcha_timeout / 2);
  o.service.first_byte_timeout = s.captcha_timeout;
  o.service.idle_timeout = s.captcha_timeout;
  o.service.total_timeout = s.captcha_timeout;
  o.service.max_connections = kCaptchaConnections;
  o.service.keep_alive = workers;
  // A visitor waits; and a token that was looked at is spent there.
  o.service.tries = 1;
  o.service.breaker = {.failures = 2, .open_for = s.captcha_retry};
  o.provider = provider.name;
  o.site_key = site.challenge.keys.site_key;
  o.secret = site.challenge.keys.secret;
  o.script_url = config::captcha_script_url(s, provider);
  o.sends_site_key = provider.kind == config::BotChallenge::hcaptcha;
  o.sends_address = s.captcha_send_address;
  return o;
}

/// Tells log and events that a provider of captchas has gone, or is back.
upstream::Siteverify::OnTurn tell_turns(const Lasting& lasting) {
  return [&log = lasting.log, &sink = lasting.sink](std::string_view provider, bool away,
                                                    const Error& why) {
    const std::string name(provider);
    log.write(away ? observe::Level::error : observe::Level::info,
              away ? "the provider of captchas cannot be asked: visitors solve proof of work"
                   : "the provider of captchas is back",
              {{"provider", provider}, {"reason", why.detail}});
    if (away) {
      record_integrity(sink, "SYS_006", audit::ThreatLevel::medium,
                       name + " is away: visitors solve proof of work in its place");
    } else {
      record_integrity(sink, "SYS_007", audit::ThreatLevel::low, name + " is back");
    }
  };
}

upstream::OpenIdProvider::OnTurn tell_provider_turns(const Lasting& lasting) {
  return [&log = lasting.log, &sink = lasting.sink](bool away, const Error& why) {
    log.write(away ? observe::Level::error : observe::Level::info,
              away ? "the OpenID provider cannot be asked: its last known keys serve for a day"
                   : "the OpenID provider is back",
              {{"reason", why.detail}});
    if (away) {
      record_integrity(sink, "SYS_008", audit::ThreatLevel::medium,
                       "the OpenID provider is away: no new keys of its tokens");
    } else {
      record_integrity(sink, "SYS_009", audit::ThreatLevel::low, "the OpenID provider is back");
    }
  };
}

/// How long a document of the provider may take; somebody waits for it.
constexpr Milliseconds kProviderTimeout{3000};

Result<std::shared_ptr<upstream::OpenIdProvider>> provider_of(const config::Settings& s,
                                                              const Lasting& lasting) {
  TRY(auto roles, identity::role_map_of(s));
  auto rules = identity::provider_rules_of(s, roles);
  upstream::OpenIdProviderOptions o{.identity = {},
                                    .service = {},
                                    .discovers = s.oidc_keys_url.empty(),
                                    .rules = std::move(rules),
                                    .roles = std::move(roles),
                                    .refresh = s.oidc_refresh};
  std::string issuer = s.oidc_issuer;
  if (issuer.ends_with('/')) issuer.pop_back();
  o.service.name = "openid";
  o.service.url = o.discovers ? issuer + "/.well-known/openid-configuration" : s.oidc_keys_url;
  o.service.ca_file = s.oidc_ca_file;
  o.service.user_agent = user_agent();
  o.service.connect_timeout = kProviderTimeout / 2;
  o.service.first_byte_timeout = o.service.idle_timeout = o.service.total_timeout =
      kProviderTimeout;
  o.service.max_connections = 1;
  o.service.max_answer_bytes = upstream::OpenIdProvider::kMaxDocumentBytes;
  o.service.tries = 1;
  o.service.workers = lasting.workers;
  for (const auto* text : {&s.oidc_issuer, &s.oidc_audience, &s.oidc_roles_claim}) {
    o.identity += *text + '\0';
  }
  for (const auto& entry : s.oidc_roles) o.identity += entry + '\0';
  o.identity += std::to_string(s.oidc_refresh.count()) + ',' + identity_of(o.service);
  if (lasting.provider && lasting.provider->identity() == o.identity) return lasting.provider;
  return upstream::OpenIdProvider::make(std::move(o), lasting.metrics, lasting.log,
                                        tell_provider_turns(lasting));
}

/// A part that this configuration or the one before has already, or a new one.
template <class T, class Make>
Result<std::shared_ptr<T>> kept_or_made(std::string identity, typename Kept<T>::Map& own,
                                        const typename Kept<T>::Map& before, Make make) {
  if (const auto at = own.find(identity); at != own.end()) return at->second;
  std::shared_ptr<T> part;
  if (const auto at = before.find(identity); at != before.end()) {
    part = at->second;
  } else {
    TRY(part, make());
  }
  own.emplace(std::move(identity), part);
  return part;
}

/// Null where the site's visitors are challenged by nobody else.
Result<std::shared_ptr<identity::CaptchaVerifier>> captcha_of(const config::SiteSettings& site,
                                                              const config::Settings& s,
                                                              const Lasting& lasting,
                                                              Captchas& captchas) {
  const auto* provider = config::captcha_provider(site.challenge.kind.value_or(s.bot_challenge));
  if (provider == nullptr) return nullptr;
  auto options = siteverify_options(s, site, *provider, lasting.workers);
  std::string identity;
  for (const auto* text : {&options.site_key, &options.secret, &options.script_url}) {
    identity += *text + '\0';
  }
  identity += std::to_string(options.sends_address) + ',' + identity_of(options.service);
  return kept_or_made<upstream::Siteverify>(std::move(identity), captchas, lasting.captchas, [&] {
    return upstream::Siteverify::make(std::move(options), lasting.metrics, lasting.log,
                                      tell_turns(lasting));
  });
}

/// Null where the site's server names nobody.
Result<std::shared_ptr<const identity::VisitorIdentity>> visitor_identity_of(
    const config::SiteSettings& site) {
  if (!site.visitor_identity.is_set()) return nullptr;
  auto made = identity::VisitorIdentity::make(site.visitor_identity);
  if (!made) {
    return fail(ErrorCode::invalid_input,
                "the visitor_identity of site " + site.id + ": " + made.error().detail);
  }
  return std::make_shared<const identity::VisitorIdentity>(*std::move(made));
}

using Made = Result<std::shared_ptr<upstream::Assistant>>;

/// A site's assistant: what tells it from others, and how it is made.
struct Plan {
  std::string identity;
  std::move_only_function<Made()> make;
};

Plan plan_of(const config::SiteSettings& site, const config::Settings& s, const Lasting& lasting) {
  if (site.upstream.kind == config::UpstreamKind::demo) {
    return {"demo", [] { return Made(std::make_shared<upstream::Demo>()); }};
  }
  if (config::is_model(site.upstream.kind)) {
    auto options = model_options(s, site, lasting.workers);
    std::string identity = std::string(upstream::name_of(options.api)) + '\0';
    for (const auto* text :
         {&options.api_key, &options.model, &options.system_prompt, &options.temperature}) {
      identity += *text + '\0';
    }
    identity += std::to_string(options.max_output_tokens) + ',' +
                std::to_string(options.history_tokens) + ',' + identity_of(options.service);
    return {std::move(identity), [options = std::move(options), &lasting]() mutable -> Made {
              return upstream::ChatModel::make(std::move(options), lasting.metrics, lasting.log);
            }};
  }
  if (site.upstream.kind == config::UpstreamKind::http) {
    auto options = webhook_options(s, site, lasting.workers);
    std::string identity = std::string("http") + '\0';
    for (const auto* text : {&options.api_key, &options.request, &options.answer}) {
      identity += *text + '\0';
    }
    for (const auto& header : options.headers) identity += header + '\0';
    identity += std::to_string(options.history_tokens) + ',' + identity_of(options.service);
    return {std::move(identity), [options = std::move(options), &lasting]() -> Made {
              return upstream::Webhook::make(options, lasting.metrics, lasting.log);
            }};
  }
  upstream::N8nOptions options{service_options(s, site, lasting.workers), site.upstream.api_key};
  std::string identity =
      std::string("n8n") + '\0' + options.api_key + '\0' + s.jwt_secrets.front() + '\0' +
      std::to_string(s.upstream_token_life.count()) + ',' + identity_of(options.service);
  return {std::move(identity), [options = std::move(options), &s, &lasting]() mutable -> Made {
            return upstream::N8n::make(
                std::move(options),
                identity::UpstreamTokens(s.jwt_secrets.front(), s.upstream_token_life),
                lasting.metrics, lasting.log);
          }};
}

/// The targets of a protected service.
Result<std::shared_ptr<upstream::ServiceGroup>> group_of(const config::ServiceSettings& service,
                                                         const config::Settings& s,
                                                         const Lasting& lasting,
                                                         ServiceGroups& groups) {
  upstream::ServiceGroupOptions group{.name = service.id, .slow_start = service.slow_start};
  std::string identity = service.id + '\0' + service.health_path + '\0';
  for (const auto time : {service.slow_start, service.health_interval, service.health_timeout}) {
    identity += std::to_string(time.count()) + ',';
  }
  if (!service.health_path.empty()) {
    group.health = {service.health_path, service.health_interval, service.health_timeout};
  }
  for (const auto& url : service.targets) {
    auto options = service_options(s, service.id, url, lasting.workers);
    if (!service.ca_file.empty()) options.ca_file = service.ca_file;
    options.client_certificate = service.client_certificate;
    options.client_key = service.client_key;
    identity += identity_of(options) + '\0';
    group.targets.push_back(std::move(options));
  }
  return kept_or_made<upstream::ServiceGroup>(std::move(identity), groups, lasting.groups, [&] {
    return upstream::ServiceGroup::make(std::move(group), lasting.metrics, lasting.log);
  });
}

/// The schemas of protected routes, each file once. Every file with a fault is told of.
Result<std::map<std::string, std::shared_ptr<const schema::Schema>>> schemas_of(
    const config::Settings& s) {
  std::map<std::string, std::shared_ptr<const schema::Schema>> out;
  std::string faults;
  for (const auto& route : s.routes) {
    if (!route.proxy || route.proxy->schema_file.empty()) continue;
    const auto [at, is_new] = out.emplace(route.proxy->schema_file, nullptr);
    if (!is_new) continue;
    auto schema = schema::Schema::read(at->first);
    if (schema) {
      at->second = std::make_shared<const schema::Schema>(*std::move(schema));
    } else {
      (faults += faults.empty() ? "" : "; ") += schema.error().detail;
    }
  }
  if (!faults.empty()) return fail(ErrorCode::invalid_input, faults);
  return out;
}

/// Null where no route asks for them. Every name that a route leaves out is that of a rule.
Result<std::unique_ptr<const detect::LeakRules>> leak_rules_of(const config::Settings& s,
                                                               unsigned workers) {
  std::unique_ptr<const detect::LeakRules> out;
  for (const auto& route : s.routes) {
    if (!route.proxy || route.proxy->leaks == config::LeakMode::off) continue;
    if (out == nullptr) {
      TRY(auto rules, detect::LeakRules::make(detect::embedded_leak_rules(), workers));
      out = std::make_unique<const detect::LeakRules>(std::move(rules));
    }
    if (auto asked = out->all_but(route.proxy->leaks_except); !asked) {
      return fail(ErrorCode::invalid_input, "routes " + route.path + ": " + asked.error().detail);
    }
  }
  return out;
}

Made assistant_of(const config::SiteSettings& site, const config::Settings& s,
                  const Lasting& lasting, Assistants& assistants) {
  Plan plan = plan_of(site, s, lasting);
  return kept_or_made<upstream::Assistant>(std::move(plan.identity), assistants, lasting.assistants,
                                           [&] { return plan.make(); });
}

}  // namespace

/// The handlers behind one pipeline; they must outlive its table.
struct Runtime::RouteSet {
  std::unique_ptr<routes::SessionRoutes> session;
  std::unique_ptr<routes::AuthRoutes> auth;
  std::unique_ptr<routes::SecurityRoutes> security;
  std::unique_ptr<routes::ChatRoutes> chat;
  std::unique_ptr<routes::ChatSocket> chat_socket;
  std::unique_ptr<routes::WidgetRoutes> widget;
  std::unique_ptr<routes::EchoRoutes> echo;
  std::unique_ptr<routes::N8nRoutes> n8n;
  std::unique_ptr<routes::ProxyRoutes> proxy;
  std::unique_ptr<routes::OpsRoutes> ops;
  pipeline::RouteTable table;  ///< for the fallbacks; the pipeline has its own copy
};

Runtime::Runtime(config::Settings settings) : settings_(std::move(settings)) {}
Runtime::~Runtime() = default;

Result<std::shared_ptr<const Runtime>> Runtime::make(config::Settings settings,
                                                     const Lasting& lasting,
                                                     const routes::Vitals& vitals) {
  std::shared_ptr<Runtime> out(new Runtime(std::move(settings)));
  if (auto built = out->build(lasting, vitals); !built) return std::unexpected(built.error());
  return out;
}

Result<void> Runtime::build(const Lasting& lasting, const routes::Vitals& vitals) {
  session_tokens_ = std::make_unique<identity::SessionTokens>(settings_.session_secrets);
  reporter_ = std::make_unique<pipeline::Reporter>(
      settings_.monitoring_enabled ? &lasting.sink : nullptr, settings_.detailed_errors,
      [tokens = session_tokens_.get()](const http::SessionClaims& claims) {
        return tokens->handle(identity::SessionTokens::Audience::audit, claims);
      });

  if (auto built = build_users(lasting); !built) return built;
  TRY(inspector_, detect::Engine::make(detect::embedded_rules(), engine_options(settings_)));
  detect::put_embedded_database_away();

  routes::Services services;
  services.settings = &settings_;
  services.session_tokens = session_tokens_.get();
  services.store = &lasting.store;
  services.blocks = &lasting.blocks;
  services.hub = &lasting.hub;
  services.sockets = &lasting.sockets;
  services.reporter = reporter_.get();
  services.logins = logins_.get();
  services.failed_logins = failed_logins_.get();
  services.metrics = &lasting.metrics;
  services.provider = provider_.get();
  services.owner = weak_from_this();
  for (const auto& site : settings_.sites) {
    sites_.push_back({sites_.size(), site.id, site.origins, pipeline::Limits::of(settings_, site),
                      pipeline::SessionRisk::of(settings_, site),
                      site.proof_of_possession.value_or(settings_.proof_of_possession)});
    TRY(auto assistant, assistant_of(site, settings_, lasting, assistants_));
    // Told from the start, also where no model is asked.
    for (const char* direction : {"input", "output"}) {
      (void)lasting.metrics.counter("portcullis_upstream_tokens_total").cell({site.id, direction});
    }
    TRY(auto visitor, visitor_identity_of(site));
    services.visitors.push_back(std::move(visitor));
    services.assistants.push_back(std::move(assistant));
    TRY(auto captcha, captcha_of(site, settings_, lasting, captchas_));
    services.captchas.push_back(std::move(captcha));
  }
  for (const auto& service : settings_.services) {
    TRY(auto group, group_of(service, settings_, lasting, groups_));
    services.groups.emplace(service.id, std::move(group));
  }
  TRY(services.schemas, schemas_of(settings_));
  TRY(leak_rules_, leak_rules_of(settings_, lasting.workers));
  services.leak_rules = leak_rules_.get();

  std::vector<std::string> problems;
  public_routes_ = std::make_unique<RouteSet>();
  TRY(public_, make_pipeline(lasting, *public_routes_, services, vitals, false, problems));
  operations_routes_ = std::make_unique<RouteSet>();
  std::vector<std::string> ignored;  // overrides name public routes
  TRY(operations_, make_pipeline(lasting, *operations_routes_, services, vitals, true, ignored));
  if (problems.empty()) return {};
  std::string all;
  for (const auto& problem : problems) all += (all.empty() ? "" : "; ") + problem;
  return fail(ErrorCode::invalid_input, all);
}

Result<void> Runtime::build_users(const Lasting& lasting) {
  failed_logins_ = std::make_unique<guards::FailedLogins>(settings_, limit_parts(lasting));
  if (!settings_.has_users()) return {};
  TRY(auto tokens, identity::user_tokens_of(settings_));
  user_tokens_ = std::make_unique<identity::UserTokens>(std::move(tokens));
  if (!settings_.oidc_issuer.empty()) {
    TRY(provider_, provider_of(settings_, lasting));
  }
  if (lasting.accounts == nullptr) return {};
  auto& accounts = *lasting.accounts;
  api_keys_ = std::make_unique<identity::ApiKeys>(settings_.session_secrets);
  logins_ = std::make_unique<identity::Logins>(
      identity::Logins::Parts{accounts.store(), accounts.calls(), accounts.hashing(),
                              lasting.store},
      identity::login_rules_of(settings_), *user_tokens_, settings_.session_secrets);
  return {};
}

guards::CredentialParts Runtime::credential_parts(const Lasting& lasting) const {
  return {.sessions = *session_tokens_,
          .users = user_tokens_.get(),
          .provider = provider_.get(),
          .keys = api_keys_.get(),
          .directory = lasting.accounts == nullptr ? nullptr : &lasting.accounts->directory(),
          .sites = sites_};
}

guards::LimitParts Runtime::limit_parts(
    const Lasting& lasting,
    std::span<const std::shared_ptr<identity::CaptchaVerifier>> captchas) const {
  return {lasting.store,
          lasting.blocks,
          lasting.in_flight,
          lasting.metrics,
          settings_.session_secrets.front(),
          captchas};
}

Result<std::unique_ptr<pipeline::Pipeline>> Runtime::make_pipeline(
    const Lasting& lasting, RouteSet& set, const routes::Services& services,
    const routes::Vitals& vitals, bool operations, std::vector<std::string>& problems) {
  if (!operations) {
    set.session = std::make_unique<routes::SessionRoutes>(services);
    set.session->add_to(set.table);
    set.chat = std::make_unique<routes::ChatRoutes>(services);
    set.chat->add_to(set.table);
    set.chat_socket = std::make_unique<routes::ChatSocket>(services);
    set.chat_socket->add_to(set.table);
    set.auth = std::make_unique<routes::AuthRoutes>(services);
    set.auth->add_to(set.table);
    set.security = std::make_unique<routes::SecurityRoutes>(services);
    set.security->add_to(set.table);
    set.widget = std::make_unique<routes::WidgetRoutes>(services);
    set.widget->add_to(set.table);
    set.echo = std::make_unique<routes::EchoRoutes>(services);
    set.echo->add_to(set.table);
    set.n8n = std::make_unique<routes::N8nRoutes>(services);
    set.n8n->add_to(set.table);
    set.proxy = std::make_unique<routes::ProxyRoutes>(services);
    set.proxy->add_to(set.table);
  }
  set.ops = std::make_unique<routes::OpsRoutes>(services, vitals, operations);
  set.ops->add_to(set.table);
  problems = set.table.build(settings_);
  for (const auto& site : settings_.sites) {
    const auto wrong = routes::RefusalTexts::check(site);
    problems.insert(problems.end(), wrong.begin(), wrong.end());
  }
  pipeline::Pipeline::Parts parts;
  TRY(parts.guards, make_guards(settings_, lasting, credential_parts(lasting),
                                limit_parts(lasting, services.captchas), *reporter_, *inspector_));
  parts.routes = set.table;
  parts.sites = sites_;
  parts.not_found = routes::make_not_found(*reporter_, set.table);
  parts.preflight = routes::make_preflight(settings_, set.table);
  parts.reporter = reporter_.get();
  parts.filters = std::make_unique<pipeline::ResponseFilters>(settings_);
  if (!operations) {
    parts.refusals = std::make_unique<guards::Conduct>(settings_, lasting.store, *reporter_);
  }
  parts.log_access = settings_.log_access;
  parts.operations = operations;
  return std::make_unique<pipeline::Pipeline>(std::move(parts), lasting.log, lasting.metrics);
}

http::ConnectionLimits Runtime::connection_limits() const {
  return {settings_.head_timeout, settings_.body_timeout, settings_.idle_timeout,
          settings_.write_timeout};
}

}  // namespace portcullis::gateway

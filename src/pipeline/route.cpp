#include "pipeline/route.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::pipeline {

std::string_view name_of(RouteKind kind) noexcept {
  switch (kind) {
    case RouteKind::browser:
      return "browser";
    case RouteKind::token:
      return "token";
    case RouteKind::anonymous:
      return "anonymous";
  }
  return {};
}

std::optional<RouteKind> route_kind_of(std::string_view name) noexcept {
  for (const auto kind : {RouteKind::browser, RouteKind::token, RouteKind::anonymous}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

std::string_view name_of(RouteClass cls) noexcept {
  switch (cls) {
    case RouteClass::chat:
      return "chat";
    case RouteClass::api:
      return "api";
    case RouteClass::auth:
      return "auth";
    case RouteClass::admin:
      return "admin";
    case RouteClass::light:
      return "light";
    case RouteClass::probe:
      return "probe";
    case RouteClass::look:
      return "look";
  }
  return {};
}

Limits Limits::of(const config::Settings& settings, const config::SiteSettings& site) {
  const auto limit = [&](std::int64_t config::Settings::* field) {
    const auto* own = std::ranges::find(config::kSiteLimits, field, &config::SiteLimit::field);
    const auto at = site.limits.find(own->key);
    return static_cast<std::uint32_t>(at == site.limits.end() ? settings.*field : at->second);
  };
  using S = config::Settings;
  return {limit(&S::limit_chat_address_minute),
          limit(&S::limit_chat_address_hour),
          limit(&S::limit_chat_session_minute),
          limit(&S::limit_site_minute),
          limit(&S::in_flight_address),
          limit(&S::in_flight_session),
          limit(&S::in_flight_site)};
}

SessionRisk SessionRisk::of(const config::Settings& settings, const config::SiteSettings& site) {
  const auto& own = site.session_risk;
  return {own.mode.value_or(settings.session_risk),
          static_cast<int>(own.alert.value_or(settings.session_risk_alert)),
          static_cast<int>(own.deny.value_or(settings.session_risk_deny))};
}

config::Mode Route::mode_of(std::string_view guard) const noexcept {
  const auto at = std::ranges::find(config::kGuardNames, guard) - std::begin(config::kGuardNames);
  return guards[static_cast<std::size_t>(at)].mode;
}

bool Route::allows(http::Method method) const noexcept {
  // HEAD is answered wherever GET is (RFC 9110 section 9.3.2), without the body.
  return std::ranges::any_of(methods, [&](http::Method m) {
    return m == method || (method == http::Method::head && m == http::Method::get && !websocket);
  });
}

namespace {

/// Without one of these a login or a management route would be open.
constexpr std::string_view kGuardsOfUsers[] = {"origin", "credentials", "rate", "access", "body"};

bool same_path(const config::Settings& settings, std::string_view written, const Route& route) {
  return written == route.path || written == settings.gateway_prefix + route.path;
}

/// A protected route is its own entry's, whatever else has its path.
bool is_meant(const config::Settings& settings, std::size_t entry, const Route& route) {
  if (route.entry) return *route.entry == entry;
  return !settings.routes[entry].proxy && same_path(settings, settings.routes[entry].path, route);
}

void apply(const config::RouteSettings& entry, Route& route) {
  for (std::size_t g = 0; g < kGuardCount; ++g) {
    const auto mode = entry.guard_modes.find(config::kGuardNames[g]);
    if (mode != entry.guard_modes.end()) route.guards[g].mode = mode->second;
  }
  route.cost = static_cast<std::uint32_t>(entry.cost);
  route.address_minute = static_cast<std::uint32_t>(entry.address_per_minute.value_or(0));
  route.enabled = entry.enabled;
  route.critical = entry.critical;
}

}  // namespace

std::vector<std::string> RouteTable::build(const config::Settings& settings) {
  std::vector<std::string> problems;
  for (const auto& override : settings.routes) {
    if (override.proxy) continue;
    const bool known = std::ranges::any_of(
        routes_, [&](const Route& r) { return same_path(settings, override.path, r); });
    if (!known) problems.push_back("routes: " + override.path + " is none of the gateway's routes");
  }
  for (std::size_t g = 0; g < kGuardCount; ++g) {
    default_guards_[g] = settings.guards.at(std::string(config::kGuardNames[g]));
  }
  for (auto& route : routes_) route.guards = default_guards_;
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    for (auto& route : routes_) {
      if (is_meant(settings, i, route)) apply(settings.routes[i], route);
    }
  }
  // One of our own that is switched off leaves its path to others.
  std::erase_if(routes_, [](const Route& route) { return !route.enabled && !route.entry; });
  for (auto& route : routes_) {
    if (!route.entry) route.path.insert(0, settings.gateway_prefix);
    if (!route.access.always_guarded) continue;
    for (std::size_t g = 0; g < kGuardCount; ++g) {
      if (std::ranges::find(kGuardsOfUsers, config::kGuardNames[g]) != std::end(kGuardsOfUsers)) {
        route.guards[g] = {config::Mode::enforce, config::OnError::refuse};
      }
    }
  }
  for (std::size_t a = 0; a < routes_.size(); ++a) {
    for (std::size_t b = a + 1; b < routes_.size(); ++b) {
      const bool same_method = std::ranges::any_of(routes_[a].methods, [&](auto m) {
        return std::ranges::find(routes_[b].methods, m) != routes_[b].methods.end();
      });
      if (text::iequals(routes_[a].path, routes_[b].path) &&
          routes_[a].prefix == routes_[b].prefix && routes_[a].host == routes_[b].host &&
          routes_[a].by_message == routes_[b].by_message && same_method) {
        problems.push_back("routes: " + routes_[a].path + " is claimed by " + routes_[a].name +
                           " and " + routes_[b].name);
      }
    }
  }
  has_hosts_ = std::ranges::any_of(routes_, [](const Route& r) { return !r.host.empty(); });
  return problems;
}

bool Route::answers(bool vouched) const noexcept {
  return vouched ? by_message || (!entry && !websocket) : !by_message;
}

bool Route::covers(std::string_view wanted) const noexcept {
  if (!entry) return prefix ? wanted.starts_with(path) : wanted == path;
  // Without its last "/" it is the same path to many services; the handler tells whether it is one.
  if (prefix && wanted.size() + 1 == path.size()) return text::istarts_with(path, wanted);
  if (prefix) return text::istarts_with(wanted, path);
  if (wanted.size() == path.size() + 1 && wanted.ends_with('/')) wanted.remove_suffix(1);
  return text::iequals(wanted, path);
}

RouteTable::Match RouteTable::find(const http::Exchange& exchange, http::Method method) const {
  const auto& head = exchange.head();
  std::optional<HostPort> named;
  if (has_hosts_) named = HostPort::parse(head.get("host"));
  return find({head.path(), method, named ? named->host : std::string_view(), exchange.vouched});
}

RouteTable::Match RouteTable::find(const Wanted& wanted) const {
  const auto narrower = [](const Route& a, const Route* b) {
    return b == nullptr || (b->prefix && !a.prefix) ||
           (b->prefix == a.prefix && a.path.size() > b->path.size());
  };
  // Where a narrower route does not take the method, a wider one must not answer in its place.
  const Route* nearest = nullptr;
  const Route* foreign = nullptr;
  for (const auto& route : routes_) {
    if (!route.covers(wanted.path)) continue;
    if (!route.host.empty() && route.host != wanted.host) {
      if (narrower(route, foreign)) foreign = &route;
      continue;
    }
    const bool is_for_host = !route.host.empty() && nearest != nullptr && nearest->host.empty() &&
                             !narrower(*nearest, &route);
    if (narrower(route, nearest) || is_for_host) nearest = &route;
  }
  Match match;
  if (nearest == nullptr) return match;
  if (foreign != nullptr && nearest->host.empty() && narrower(*foreign, nearest)) return match;
  for (const auto& route : routes_) {
    const bool as_near = route.prefix == nearest->prefix &&
                         route.path.size() == nearest->path.size() && route.host == nearest->host &&
                         route.covers(wanted.path);
    if (!as_near || !route.enabled || !route.answers(wanted.vouched)) continue;
    if (route.allows(wanted.method)) return {&route, {}};
    for (const auto m : route.methods) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += http::name_of(m);
      if (route.allows(http::Method::head) && m == http::Method::get) match.allow += ", HEAD";
    }
  }
  return match;
}

std::string RouteTable::text() const {
  const auto pad = [](std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text + " ";
  };
  const auto line = [&](std::string methods, std::string path, std::string kind, std::string cls,
                        const std::string& rest) {
    return pad(std::move(methods), 12) + pad(std::move(path), 30) + pad(std::move(kind), 10) +
           pad(std::move(cls), 6) + rest + "\n";
  };
  std::string out = line("methods", "path", "kind", "class", "name, guards that do not enforce");
  for (const auto& route : routes_) {
    std::string methods;
    for (const auto m : route.methods)
      methods += (methods.empty() ? "" : ",") + std::string(http::name_of(m));
    std::string modes;
    for (std::size_t g = 0; g < kGuardCount; ++g) {
      if (route.guards[g].mode == config::Mode::enforce) continue;
      modes += " " + std::string(config::kGuardNames[g]) + "=" +
               std::string(config::name_of(route.guards[g].mode));
    }
    out +=
        line(std::move(methods), route.host + route.path + (route.prefix ? "*" : ""),
             std::string(name_of(route.kind)), std::string(name_of(route.cls)), route.name + modes);
  }
  return out;
}

}  // namespace portcullis::pipeline

#include "routes/proxy/proxy_routes.hpp"

#include <algorithm>
#include <functional>

#include "routes/proxy/request_proxy.hpp"

namespace portcullis::routes {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

/// What every protected route has.
pipeline::Route route_of(const config::Settings& settings, std::size_t entry) {
  const auto& configured = settings.routes[entry];
  const auto& proxy = *configured.proxy;
  pipeline::Route route;
  route.name = proxy.service + ' ' + proxy.host + configured.path;
  route.path = configured.path;
  route.prefix = configured.path.ends_with('/');
  route.host = proxy.host;
  if (!proxy.site.empty()) {
    const auto site = std::ranges::find(settings.sites, proxy.site, &config::SiteSettings::id);
    route.site = static_cast<std::size_t>(site - settings.sites.begin());
  }
  for (const auto& method : proxy.methods) route.methods.push_back(http::method_of(method));
  route.kind = *pipeline::route_kind_of(proxy.kind);
  route.cls = pipeline::RouteClass::api;
  route.entry = entry;
  route.access.needed = proxy.authenticated;
  for (const auto& role : proxy.roles) {
    route.access.roles = route.access.roles.with(*http::role_of(role));
  }
  route.access.location = proxy.location;
  route.token_parameter = proxy.token_parameter;
  if (!proxy.scope.empty()) route.access.scope = proxy.scope;
  return route;
}

}  // namespace

ProxyRoutes::ProxyRoutes(Services services)
    : services_(std::move(services)), forwarding_(*services_.settings) {}

ProxyRoutes::~ProxyRoutes() = default;

void ProxyRoutes::add_to(pipeline::RouteTable& table) {
  const auto& settings = *services_.settings;
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const auto& configured = settings.routes[i];
    if (!configured.proxy) continue;
    const auto& proxy = *configured.proxy;
    if (proxy.websocket) {
      add_socket(table, i);
      continue;
    }
    proxies_.push_back(
        make_request_proxy(services_, forwarding_, configured, services_.groups.at(proxy.service)));
    auto route = route_of(settings, i);
    route.takes_body = true;
    route.streams_body = !proxy.inspected;
    route.body_optional = true;
    route.takes_form_fields = proxy.inspected;
    route.max_body_bytes =
        static_cast<std::uint64_t>(proxy.max_body.value_or(settings.api_body_megabytes * kMiB));
    if (proxy.files) route.max_form_bytes = route.max_body_bytes;
    route.prose = proxy.prose;
    route.handler = proxies_.back().get();
    add_described(table, std::move(route), proxy);
  }
}

/// Nobody gets round a schema by sending nothing: the methods that are about a body have an entry
/// of their own, where it must not be missing.
void ProxyRoutes::add_described(pipeline::RouteTable& table, pipeline::Route route,
                                const config::ProtectedRoute& proxy) {
  if (proxy.schema_file.empty() && !proxy.files) return table.add(std::move(route));
  std::shared_ptr<const schema::Schema> schema;
  if (!proxy.schema_file.empty()) schema = services_.schemas.at(proxy.schema_file);
  bodies_.push_back(std::make_unique<DescribedBody>(
      schema, proxy.files.transform([](const auto& files) { return FormRules(files); })));
  route.schema = bodies_.back().get();
  if (schema == nullptr) return table.add(std::move(route));
  pipeline::Route without = route;
  std::erase_if(without.methods, may_have_body);
  std::erase_if(route.methods, std::not_fn(may_have_body));
  route.body_optional = false;
  for (auto* one : {&route, &without}) {
    if (!one->methods.empty()) table.add(std::move(*one));
  }
}

void ProxyRoutes::add_socket(pipeline::RouteTable& table, std::size_t entry) {
  const auto& settings = *services_.settings;
  const auto& configured = settings.routes[entry];
  const auto& proxy = *configured.proxy;
  const auto& socket = *sockets_.emplace_back(std::make_unique<SocketProxy>(
      services_, forwarding_, configured, services_.groups.at(proxy.service)));
  auto opening = route_of(settings, entry);
  opening.subscription = true;
  opening.websocket = true;
  opening.handler = socket.opening();
  // Each message is a request of its own to all guards, which comes by the connection alone.
  auto message = route_of(settings, entry);
  message.name += "_message";
  message.by_message = true;
  message.methods = {http::Method::post};
  message.takes_body = true;
  message.max_body_bytes =
      static_cast<std::uint64_t>(services_.settings->websocket_message_kib) * 1024;
  message.prose = proxy.prose;
  message.schema = socket.schema();
  message.handler = &admitted_;
  table.add(look_route(opening, admitted_));
  table.add(std::move(opening));
  if (proxy.inspected) table.add(std::move(message));
}

}  // namespace portcullis::routes

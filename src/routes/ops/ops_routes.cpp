#include "routes/ops/ops_routes.hpp"

#include "base/json_text.hpp"
#include "http/fields.hpp"
#include "routes/websocket/socket.hpp"

namespace portcullis::routes {
namespace {

std::string_view name_of(upstream::Assistant::Health health) {
  switch (health) {
    case upstream::Assistant::Health::healthy:
      return "healthy";
    case upstream::Assistant::Health::unhealthy:
      return "unhealthy";
    case upstream::Assistant::Health::unknown:
      return "unknown";
  }
  return {};
}

}  // namespace

class OpsRoutes::Root final : public pipeline::RouteHandler {
 public:
  explicit Root(const OpsRoutes& owner) : owner_(owner) {}
  Task<void> serve(http::Exchange& exchange) override {
    std::string body = "{";
    text::append_json_member(body, "service", owner_.services_.settings->app_name);
    text::append_json_member(body, "status", "running");
    text::append_json_member(body, "version", owner_.vitals_.version);
    body += '}';
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }

 private:
  const OpsRoutes& owner_;
};

class OpsRoutes::Health final : public pipeline::RouteHandler {
 public:
  explicit Health(const OpsRoutes& owner) : owner_(owner) {}
  Task<void> serve(http::Exchange& exchange) override {
    const auto& s = owner_.services_;
    const auto& v = owner_.vitals_;
    const WallTime now = exchange.worker().clock().wall();
    bool healthy = !v.draining();
    std::string upstreams = "{";
    for (std::size_t i = 0; i < s.assistants.size(); ++i) {
      const auto health = s.assistants[i]->health();
      if (i == 0 && health == upstream::Assistant::Health::unhealthy) healthy = false;
      text::append_json_member(upstreams, s.settings->sites[i].id, name_of(health));
    }
    upstreams += '}';
    const auto figures = v.figures();

    std::string body = "{";
    text::append_json_member(body, "status", healthy ? "healthy" : "unhealthy");
    text::append_json_member(body, "service", s.settings->app_name);
    text::append_json_member(body, "version", v.version);
    text::append_json_member(body, "environment", config::name_of(s.settings->profile));
    text::append_json_member(body, "timestamp", text::iso8601_millis(now));
    text::append_json_member(body, "uptime_seconds", epoch_seconds(now) - epoch_seconds(v.started));
    body += ",\"services\":{";
    const auto redis = v.redis();
    text::append_json_member(body, "redis", redis);
    text::append_json_member(body, "state", redis == "connected" ? "redis" : "memory");
    text::append_json_member(body, "database", v.database());
    text::append_json_member(body, "sse_connections", s.hub->open_streams());
    text::append_json_member(body, "active_sessions", figures.sessions + figures.silent_sessions);
    if (s.provider != nullptr) {
      text::append_json_member(body, "openid_provider", s.provider->health());
    }
    if (!s.groups.empty()) body += ",\"protected\":" + protected_services();
    body += ",\"upstreams\":" + upstreams + challenges() + "},\"notices\":[";
    for (const auto& notice :
         v.notices(owner_.open_metrics_ ? Audience::operators : Audience::anyone)) {
      if (body.back() != '[') body += ',';
      text::append_json_string(body, notice);
    }
    body += "]}";
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }

 private:
  /// What stands behind protected routes, by how many of its targets take requests.
  std::string protected_services() const {
    std::string out = "{";
    for (const auto& [id, group] : owner_.services_.groups) {
      const auto available = group->available();
      text::append_json_member(out, id,
                               available == group->targets() ? "healthy"
                               : available > 0               ? "degraded"
                                                             : "unhealthy");
    }
    return out + '}';
  }

  /// The providers of captchas by site; nothing where no site has one.
  std::string challenges() const {
    std::string out;
    const auto& s = owner_.services_;
    for (std::size_t i = 0; i < s.captchas.size(); ++i) {
      if (!s.captchas[i]) continue;
      if (out.empty()) out = ",\"challenges\":{";
      text::append_json_member(out, s.settings->sites[i].id,
                               s.captchas[i]->away() ? "degraded" : "healthy");
    }
    if (!out.empty()) out += '}';
    return out;
  }

  const OpsRoutes& owner_;
};

/// Live: the process answers. Ready: it wants new requests.
class OpsRoutes::Probe final : public pipeline::RouteHandler {
 public:
  Probe(const OpsRoutes& owner, bool readiness) : owner_(owner), readiness_(readiness) {}
  Task<void> serve(http::Exchange& exchange) override {
    const bool draining = readiness_ && owner_.vitals_.draining();
    co_await exchange.send(draining ? http::Response::json(503, R"({"status":"draining"})")
                                    : http::Response::json(200, R"({"status":"ok"})"));
  }

 private:
  const OpsRoutes& owner_;
  const bool readiness_;
};

class OpsRoutes::MetricsPage final : public pipeline::RouteHandler {
 public:
  explicit MetricsPage(const OpsRoutes& owner) : owner_(owner) {}
  Task<void> serve(http::Exchange& exchange) override {
    const auto& s = owner_.services_;
    if (!owner_.open_metrics_ && !is_local(exchange)) {
      co_return co_await s.reporter->refuse(
          exchange,
          http::Problem(http::Code::auth_failed, "Metrics are served on the operations listener."),
          {audit::EventType::authorization, audit::ThreatLevel::low, "OPS_001",
           "metrics asked for from outside"});
    }
    if (wants_text(exchange.head())) {
      auto response =
          http::Response::text(200, "text/plain; version=0.0.4; charset=utf-8", s.metrics->text());
      response.headers.add("Vary", "Accept, Accept-Encoding, Origin");
      co_return co_await exchange.send(std::move(response));
    }
    std::string body = "{\"connections\":{";
    text::append_json_member(body, "total", s.hub->streams_opened());
    text::append_json_member(body, "active", s.hub->open_streams());
    text::append_json_member(body, "sessions", s.hub->streaming_sessions());
    text::append_json_member(body, "oldest_connection_age", s.hub->oldest_age().count());
    body += '}';
    body += ",\"websockets\":" + socket_statistics(s, exchange.worker().clock().wall());
    body += ",\"rate_limits\":{";
    text::append_json_member(body, "per_minute", s.settings->limit_chat_address_minute);
    text::append_json_member(body, "per_hour", s.settings->limit_chat_address_hour);
    body += '}';
    body += ",\"system\":{";
    text::append_json_member(body, "version", owner_.vitals_.version);
    body += ",\"debug_mode\":";
    body += s.settings->debug ? "true}}" : "false}}";
    auto response = http::Response::json(200, std::move(body));
    response.headers.add("Vary", "Accept, Accept-Encoding, Origin");
    co_await exchange.send(std::move(response));
  }

 private:
  static bool is_local(const http::Exchange& exchange) {
    const auto host = HostPort::parse(exchange.head().get("host"));
    const auto& head = exchange.head();
    bool proxied = false;
    head.for_each([&](std::string_view name, std::string_view) {
      proxied = proxied || text::istarts_with(name, "x-forwarded-") ||
                text::iequals(name, "forwarded") || text::iequals(name, "via") ||
                text::iequals(name, "x-real-ip") || text::iequals(name, "cf-connecting-ip") ||
                text::iequals(name, "true-client-ip");
    });
    return exchange.client.peer.is_loopback() && host && is_loopback_host(host->host) && !proxied;
  }
  static bool wants_text(const http::RequestHead& head) {
    if (http::query_parameter(head.query(), "format").value == "prometheus") return true;
    const auto accept = head.get("accept");
    return accept.find("text/plain") != std::string_view::npos ||
           accept.find("application/openmetrics-text") != std::string_view::npos;
  }
  const OpsRoutes& owner_;
};

OpsRoutes::OpsRoutes(Services services, Vitals vitals, bool open_metrics)
    : services_(std::move(services)), vitals_(std::move(vitals)), open_metrics_(open_metrics) {}

OpsRoutes::~OpsRoutes() = default;

void OpsRoutes::add_to(pipeline::RouteTable& table) {
  const auto add = [&](std::string name, std::string path, pipeline::RouteClass cls,
                       std::unique_ptr<pipeline::RouteHandler> handler) -> pipeline::Route& {
    pipeline::Route route;
    route.name = std::move(name);
    route.path = std::move(path);
    route.methods = {http::Method::get};
    route.cls = cls;
    route.handler = handlers_.emplace_back(std::move(handler)).get();
    table.add(std::move(route));
    return table.routes().back();
  };
  using pipeline::RouteClass;
  if (!open_metrics_) {
    add("root", "/", RouteClass::light, std::make_unique<Root>(*this));
    // The platform guide's own rate limit demonstration calls this one.
    add("api_health", "/api/health", RouteClass::api, std::make_unique<Probe>(*this, false));
  }
  if (services_.settings->health_enabled) {
    add("health", services_.settings->health_path, RouteClass::probe,
        std::make_unique<Health>(*this));
    add("health_live", "/health/live", RouteClass::probe, std::make_unique<Probe>(*this, false));
    add("health_ready", "/health/ready", RouteClass::probe, std::make_unique<Probe>(*this, true));
  }
  if (services_.settings->metrics_enabled) {
    // Figures alone: nothing that anybody said, and no secret.
    add("metrics", "/metrics", RouteClass::light, std::make_unique<MetricsPage>(*this))
        .packs_answers = true;
  }
}

}  // namespace portcullis::routes

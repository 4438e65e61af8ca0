#include "routes/session/session_routes.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "routes/chat_api_route.hpp"
#include "routes/validation.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::Problem;

std::optional<std::string> check_domain(const boost::json::value& value) {
  const std::string_view text(value.get_string().data(), value.get_string().size());
  if (text::trim(text).empty()) return "The origin_domain is blank.";
  if (!parse_domain(text)) return "The origin_domain is no valid domain.";
  return std::nullopt;
}

std::optional<std::string> check_delivery(const boost::json::value& value) {
  if (value.get_string() == "cookie" || value.get_string() == "bearer") return std::nullopt;
  return "The delivery must be 'cookie' or 'bearer'.";
}

/// Whether the create call came from another site than ours, as far as the browser tells.
bool is_cross_site(const http::Exchange& exchange) {
  const auto told = exchange.head().get("sec-fetch-site");
  if (!told.empty()) return told == "cross-site";
  if (!exchange.origin) return false;
  const auto host = HostPort::parse(exchange.head().get("host"));
  return !host || !same_site_hosts(exchange.origin->host, host->host);
}

}  // namespace

class SessionRoutes::Create final : public pipeline::RouteHandler {
 public:
  explicit Create(const Services& services) : s_(services) {}

  Task<void> serve(http::Exchange& exchange) override {
    const WallTime now = exchange.worker().clock().wall();
    const auto id = identity::new_session_id();
    const auto accepted = co_await s_.store->session_created(state::session_key(id), now);
    if (!accepted) {
      co_return co_await s_.reporter->refuse_without_state(exchange, accepted.error());
    }
    if (!*accepted) {
      co_return co_await s_.reporter->refuse(
          exchange, Problem(Code::session_limit, {}, 60),
          {audit::EventType::system_integrity, audit::ThreatLevel::medium, "SES_003",
           "no room for a further session"});
    }
    const bool cross_site = is_cross_site(exchange);
    http::SessionClaims claims;
    claims.id = id;
    claims.created = now;
    claims.expires = now + s_.settings->session_life;
    claims.site = exchange.site->id;
    claims.origin = exchange.origin ? exchange.origin->text() : "";
    std::string_view delivery;
    if (exchange.json) {
      claims.page_url = string_member(exchange.json->value, "page_url");
      delivery = string_member(exchange.json->value, "delivery");
    }
    // Over plain http no browser takes a cookie for a foreign page, so the token goes into the
    // body.
    claims.bearer = delivery == "bearer" || (cross_site && !exchange.client.https);
    const std::string token = s_.session_tokens->issue(claims);

    std::string body = "{\"session_id\":";
    text::append_json_string(
        body, s_.session_tokens->handle(identity::SessionTokens::Audience::client, claims));
    body += ",\"expires_at\":";
    text::append_json_string(body, text::iso8601(claims.expires));
    if (claims.bearer) {
      body += ",\"token_type\":\"bearer\",\"token\":";
      text::append_json_string(body, token);
    }
    body += "}";
    auto response = http::Response::json(200, std::move(body));
    if (!claims.bearer) {
      response.headers.add("Set-Cookie", cookie(*s_.settings, token, s_.settings->cookie_max_age,
                                                exchange.client.https, cross_site));
    }
    co_await exchange.send(std::move(response));
  }

  static std::string cookie(const config::Settings& settings, std::string_view value,
                            Seconds max_age, bool https, bool cross_site) {
    std::string out = settings.cookie_name + "=";
    out += value;
    out += "; Max-Age=" + std::to_string(max_age.count()) + "; Path=/; HttpOnly";
    if (https) out += "; Secure";
    out += cross_site && https ? "; SameSite=None; Partitioned" : "; SameSite=Lax";
    return out;
  }

 private:
  const Services& s_;
};

class SessionRoutes::Validate final : public pipeline::RouteHandler {
 public:
  explicit Validate(const Services& services) : s_(services) {}

  Task<void> serve(http::Exchange& exchange) override {
    const auto& session = exchange.principal.session;
    if (!session) {  // only where the session guard is switched off
      co_return co_await exchange.send(http::Response::json(200, R"({"valid":false})"));
    }
    std::string body = "{\"valid\":true,\"session_id\":";
    text::append_json_string(
        body, s_.session_tokens->handle(identity::SessionTokens::Audience::client, *session));
    body += ",\"issued_at\":";
    text::append_json_string(body, text::iso8601(session->created));
    body += ",\"expires_at\":";
    text::append_json_string(body, text::iso8601(session->expires));
    body += ",\"origin_domain\":";
    const auto origin = Origin::parse(session->origin);
    text::append_json_string(body, origin ? origin->host : "");
    body += "}";
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }

 private:
  const Services& s_;
};

class SessionRoutes::Destroy final : public pipeline::RouteHandler {
 public:
  explicit Destroy(const Services& services) : s_(services) {}

  Task<void> serve(http::Exchange& exchange) override {
    if (const auto& session = exchange.principal.session) {
      const auto ended = co_await s_.store->end_session(session->id, session->created);
      if (!ended) {
        co_return co_await s_.reporter->refuse_without_state(exchange, ended.error());
      }
      s_.hub->drop(state::session_key(session->id));
    }
    auto response = http::Response::json(200, R"({"message":"Session destroyed"})");
    response.headers.add("Set-Cookie",
                         Create::cookie(*s_.settings, "", Seconds{0}, exchange.client.https,
                                        is_cross_site(exchange)));
    co_await exchange.send(std::move(response));
  }

 private:
  const Services& s_;
};

SessionRoutes::SessionRoutes(Services services)
    : services_(std::move(services)),
      create_schema_({{"origin_domain", ObjectSchema::Type::string, true, check_domain},
                      {"page_url", ObjectSchema::Type::string, false, page_url_fault},
                      {"delivery", ObjectSchema::Type::string, false, check_delivery},
                      {"user_agent", ObjectSchema::Type::string, false, {}}}),
      create_(std::make_unique<Create>(services_)),
      validate_(std::make_unique<Validate>(services_)),
      destroy_(std::make_unique<Destroy>(services_)) {}

SessionRoutes::~SessionRoutes() = default;

void SessionRoutes::add_to(pipeline::RouteTable& table) {
  auto create =
      chat_api_route("session_create", "/api/v1/session/create", http::Method::post, create_.get());
  create.session = pipeline::SessionNeed::none;
  take_chat_body(create, *services_.settings, create_schema_);
  create.prose = {"user_agent"};
  create.urls = {"page_url", "origin_domain"};
  table.add(std::move(create));

  auto validate = chat_api_route("session_validate", "/api/v1/session/validate", http::Method::get,
                                 validate_.get());
  validate.cls = pipeline::RouteClass::light;
  table.add(std::move(validate));

  auto destroy = chat_api_route("session_destroy", "/api/v1/session/destroy", http::Method::delete_,
                                destroy_.get());
  destroy.cls = pipeline::RouteClass::light;
  table.add(std::move(destroy));
}

}  // namespace portcullis::routes

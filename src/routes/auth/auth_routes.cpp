#include "routes/auth/auth_routes.hpp"

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "http/fields.hpp"

namespace portcullis::routes {
namespace {

using audit::EventDecision;
using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;
using identity::LoginFault;
using identity::Logins;

constexpr std::string_view kRefreshPath = "/api/auth/refresh";
constexpr std::uint64_t kMaxBody = 16 * 1024;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxCode = 64;
/// Tabs of one browser have one cookie: one of them may send what another has just used.
constexpr Milliseconds kTabs{5000};

std::optional<std::string> name_fault(const boost::json::value& value) {
  if (value.get_string().empty()) return "The username is empty.";
  if (value.get_string().size() > kMaxName) return "The username is too long.";
  return std::nullopt;
}

std::optional<std::string> code_fault(const boost::json::value& value) {
  if (value.get_string().size() > kMaxCode) return "The code is too long.";
  return std::nullopt;
}

std::optional<std::string> grant_fault(const boost::json::value& value) {
  if (value.get_string() == "password" || value.get_string().empty()) return std::nullopt;
  return "The grant_type must be 'password'.";
}

std::int64_t seconds_until(WallTime time, WallTime now) {
  return std::max<std::int64_t>(0, epoch_seconds(time) - epoch_seconds(now));
}

/// An event of something that went as it should.
pipeline::Incident done(std::string code, std::string what, const std::string& user) {
  pipeline::Incident out{EventType::authentication, ThreatLevel::low, std::move(code),
                         std::move(what)};
  if (!user.empty()) out.details.emplace("user", user);
  return out;
}

}  // namespace

/// What the handlers have in common.
class AuthRoutes::Handler : public pipeline::RouteHandler {
 public:
  explicit Handler(const Services& services) : s_(services) {}

 protected:
  /// Only where the body guard is switched off there is none.
  static bool has_object(const http::Exchange& exchange) {
    return exchange.json && exchange.json->value.is_object();
  }
  Task<void> refuse_body(http::Exchange& exchange) const {
    return s_.reporter->answer(exchange, Problem(Code::schema_invalid));
  }

  /// Pages are told from programs by an Origin, which has been found to be allowed.
  static bool is_page(const http::Exchange& exchange) { return exchange.origin.has_value(); }

  std::string cookie(const http::Exchange& exchange, std::string_view value,
                     std::int64_t max_age) const {
    std::string out(kRefreshCookie);
    (out += '=') += value;
    out += "; Max-Age=" + std::to_string(max_age) + "; Path=" + s_.settings->gateway_prefix;
    (out += kRefreshPath) += "; HttpOnly; SameSite=Strict";
    if (exchange.client.https) out += "; Secure";
    return out;
  }

  Task<void> answer(http::Exchange& exchange, const identity::LoginTokens& tokens) const {
    const WallTime now = exchange.worker().clock().wall();
    const auto refresh_life = seconds_until(tokens.refresh.expires, now);
    std::string body = "{";
    text::append_json_member(body, "access_token", tokens.access.token);
    text::append_json_member(body, "token_type", "bearer");
    text::append_json_member(body, "expires_in", seconds_until(tokens.access.expires, now));
    if (!is_page(exchange)) {
      text::append_json_member(body, "refresh_token", tokens.refresh.token);
      text::append_json_member(body, "refresh_expires_in", refresh_life);
    }
    body += '}';
    auto response = http::Response::json(200, std::move(body));
    if (is_page(exchange)) {
      response.headers.add("Set-Cookie", cookie(exchange, tokens.refresh.token, refresh_life));
    }
    co_await exchange.send(std::move(response));
  }

  Task<void> answer_out(http::Exchange& exchange, std::string_view message) const {
    std::string body = "{";
    text::append_json_member(body, "message", message);
    body += '}';
    auto response = http::Response::json(200, std::move(body));
    if (is_page(exchange)) response.headers.add("Set-Cookie", cookie(exchange, "", 0));
    co_await exchange.send(std::move(response));
  }

  /// Tells a client no more than it may know, and the log all of it.
  Task<void> refuse(http::Exchange& exchange, const identity::LoginRefusal& why) const {
    pipeline::Incident incident{EventType::authentication, ThreatLevel::medium, "AUTH_002",
                                "login refused: " + why.reason};
    if (!why.user.empty()) incident.details.emplace("user", why.user);
    Problem problem(Code::auth_failed);
    switch (why.fault) {
      case LoginFault::wrong:
      case LoginFault::reused:
        break;
      case LoginFault::code_needed:
        incident.level = ThreatLevel::low;
        [[fallthrough]];
      case LoginFault::code_wrong:
        problem = Problem(Code::second_factor_required);
        break;
      case LoginFault::enrolment_needed:
        problem = Problem(Code::forbidden, "This account needs a second factor first.");
        break;
      case LoginFault::refused_password:
        problem = Problem(Code::schema_invalid, "The new password " + why.reason + '.');
        incident.level = ThreatLevel::low;
        break;
      case LoginFault::paced:
        problem = Problem(Code::rate_limited, "Too many attempts. Please wait and try again.",
                          why.retry_after.count());
        incident.code = "AUTH_006";
        break;
      case LoginFault::busy:
        problem =
            Problem(Code::state_unavailable, "Too many logins at a time.", why.retry_after.count());
        break;
      case LoginFault::unavailable:
        problem = Problem(Code::state_unavailable, {}, 2);
        incident.type = EventType::system_integrity;
        incident.code = "AUTH_003";
        break;
    }
    if (why.fault == LoginFault::reused) {
      incident.level = ThreatLevel::critical;
      incident.code = "AUTH_005";
    }
    if (why.fault == LoginFault::wrong || why.fault == LoginFault::code_wrong) {
      if (auto blocked = co_await s_.failed_logins->failed(exchange)) {
        co_return co_await s_.reporter->refuse(exchange, std::move(blocked->problem),
                                               std::move(blocked->incident));
      }
    }
    co_await s_.reporter->refuse(exchange, std::move(problem), std::move(incident));
  }

  const Services& s_;
};

class AuthRoutes::Login final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    if (!has_object(exchange)) co_return co_await refuse_body(exchange);
    const auto& body = exchange.json->value;
    Logins::Attempt attempt{.name = std::string(string_member(body, "username")),
                            .password = std::string(string_member(body, "password")),
                            .code = std::string(string_member(body, "code")),
                            .address = exchange.client.address};
    const auto tokens = co_await s_.logins->log_in(std::move(attempt));
    if (!tokens) co_return co_await refuse(exchange, tokens.error());
    s_.reporter->report(exchange, done("AUTH_010", "logged in", tokens->user.id),
                        EventDecision::passed);
    co_await answer(exchange, *tokens);
  }
};

class AuthRoutes::Refresh final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    std::string token;
    if (is_page(exchange)) {
      const auto values = http::cookie_values(exchange.head(), kRefreshCookie);
      // A sibling domain may have planted a second one.
      if (values.size() == 1) token = values.front();
    } else if (exchange.json) {
      token = string_member(exchange.json->value, "refresh_token");
    }
    if (token.empty()) {
      co_return co_await s_.reporter->refuse(
          exchange, Problem(Code::auth_failed),
          {EventType::authentication, ThreatLevel::low, "AUTH_002", "no refresh token"});
    }
    const auto tokens = co_await s_.logins->refresh(std::move(token), exchange.started_wall(),
                                                    is_page(exchange) ? kTabs : Milliseconds{0});
    if (tokens) co_return co_await answer(exchange, *tokens);
    auto why = tokens.error();
    // Nobody guesses a signed token; one that is over is no attack.
    if (why.fault != LoginFault::wrong) co_return co_await refuse(exchange, why);
    if (exchange.client.blocked_since) {
      co_return co_await s_.reporter->refuse(
          exchange, Problem(Code::address_blocked),
          {EventType::network_security, ThreatLevel::medium, "RATE_001",
           "blocked address, and a refresh token that is not good"});
    }
    co_await s_.reporter->refuse(exchange, Problem(Code::auth_failed),
                                 {EventType::authentication, ThreatLevel::low, "AUTH_002",
                                  "refresh refused: " + why.reason});
  }
};

class AuthRoutes::Logout final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    const auto& who = exchange.principal;
    // A token of the command line belongs to no login.
    const auto ended = who.login.empty() ? co_await s_.logins->end_token(who.token_id)
                                         : co_await s_.logins->end_login(who.login);
    if (!ended) co_return co_await s_.reporter->refuse_without_state(exchange, ended.error());
    s_.reporter->report(exchange, done("AUTH_011", "logged out", {}), EventDecision::passed);
    co_await answer_out(exchange, "Logged out");
  }
};

class AuthRoutes::LogoutAll final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    const auto ended = co_await s_.logins->end_all(exchange.principal.id);
    if (!ended) co_return co_await s_.reporter->refuse_without_state(exchange, ended.error());
    s_.reporter->report(exchange, done("AUTH_011", "logged out everywhere", {}),
                        EventDecision::passed);
    co_await answer_out(exchange, "Logged out everywhere");
  }
};

class AuthRoutes::Me final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    const auto& who = exchange.principal;
    const bool is_user = who.kind == http::Principal::Kind::user;
    std::string body = "{";
    text::append_json_member(body, "user_id", who.id);
    text::append_json_name(body, "authenticated");
    body += "true";
    text::append_json_member(body, "kind", is_user ? "user" : "api_key");
    text::append_json_name(body, "roles");
    http::append_json_grants(body, who.grants);
    if (is_user) text::append_json_member(body, "expires_at", text::iso8601(who.expires));
    body += '}';
    co_await exchange.send(http::Response::json(200, std::move(body)));
  }
};

class AuthRoutes::Password final : public Handler {
 public:
  using Handler::Handler;
  Task<void> serve(http::Exchange& exchange) override {
    if (!has_object(exchange)) co_return co_await refuse_body(exchange);
    const auto& body = exchange.json->value;
    Logins::Attempt attempt{.name = exchange.principal.id,
                            .password = std::string(string_member(body, "current_password")),
                            .code = std::string(string_member(body, "code")),
                            .address = exchange.client.address};
    const auto tokens = co_await s_.logins->change_password(
        std::move(attempt), std::string(string_member(body, "new_password")));
    if (!tokens) co_return co_await refuse(exchange, tokens.error());
    s_.reporter->report(exchange, done("AUTH_012", "changed the password", tokens->user.id),
                        EventDecision::acted);
    co_await answer(exchange, *tokens);
  }
};

namespace {

using Type = ObjectSchema::Type;

ObjectSchema::Member password_member(std::string name) {
  return {.name = std::move(name),
          .type = Type::string,
          .required = true,
          .check = {},
          .rule = [](const boost::json::value& value) -> std::optional<std::string> {
            if (value.get_string().size() <= identity::Passwords::kMaxBytes) return std::nullopt;
            return "A password has at most 72 bytes.";
          }};
}

}  // namespace

AuthRoutes::AuthRoutes(Services services)
    : services_(std::move(services)),
      login_schema_({{"username", Type::string, true, name_fault, {}},
                     password_member("password"),
                     {"code", Type::string, false, code_fault, {}},
                     {"grant_type", Type::string, false, grant_fault, {}}}),
      refresh_schema_({{"refresh_token", Type::string, false, {}, {}}}),
      password_schema_({password_member("current_password"),
                        password_member("new_password"),
                        {"code", Type::string, false, code_fault, {}}}),
      login_(std::make_unique<Login>(services_)),
      refresh_(std::make_unique<Refresh>(services_)),
      logout_(std::make_unique<Logout>(services_)),
      logout_all_(std::make_unique<LogoutAll>(services_)),
      me_(std::make_unique<Me>(services_)),
      password_(std::make_unique<Password>(services_)) {}

AuthRoutes::~AuthRoutes() = default;

pipeline::Route AuthRoutes::route(std::string name, std::string path, http::Method method,
                                  pipeline::RouteHandler* handler) const {
  pipeline::Route out;
  out.name = std::move(name);
  out.path = std::move(path);
  out.methods = {method};
  out.cls = pipeline::RouteClass::auth;
  out.access.needs_shared_state = out.access.always_guarded = true;
  out.handler = handler;
  return out;
}

void AuthRoutes::add_to(pipeline::RouteTable& table) {
  if (!services_.settings->has_users()) return;
  const auto take_body = [](pipeline::Route& route, const pipeline::BodySchema& schema,
                            std::vector<std::string> secrets) {
    route.takes_body = true;
    route.max_body_bytes = kMaxBody;
    route.schema = &schema;
    route.secrets = std::move(secrets);
  };
  for (const auto& [name, path] :
       {std::pair("auth_login", "/api/auth/login"), std::pair("auth_token", "/api/auth/token")}) {
    auto login = route(name, path, http::Method::post, login_.get());
    take_body(login, login_schema_, {"password", "code"});
    login.takes_form_fields = true;
    table.add(std::move(login));
  }
  auto refresh =
      route("auth_refresh", std::string(kRefreshPath), http::Method::post, refresh_.get());
  take_body(refresh, refresh_schema_, {"refresh_token"});
  refresh.body_optional = true;
  refresh.access.by_handler = true;
  table.add(std::move(refresh));

  auto password = route("auth_password", "/api/auth/password", http::Method::post, password_.get());
  take_body(password, password_schema_, {"current_password", "new_password", "code"});
  password.access.needed = password.access.user_only = true;
  table.add(std::move(password));

  for (const auto& [name, path, handler] :
       {std::tuple("auth_logout", "/api/auth/logout",
                   static_cast<pipeline::RouteHandler*>(logout_.get())),
        std::tuple("auth_logout_all", "/api/auth/logout-all",
                   static_cast<pipeline::RouteHandler*>(logout_all_.get()))}) {
    auto out = route(name, path, http::Method::post, handler);
    out.cls = pipeline::RouteClass::api;
    out.access.needed = out.access.user_only = true;
    table.add(std::move(out));
  }
  auto me = route("auth_me", "/api/auth/me", http::Method::get, me_.get());
  me.cls = pipeline::RouteClass::api;
  me.access.needed = true;
  me.access.scope.emplace();
  table.add(std::move(me));
}

}  // namespace portcullis::routes

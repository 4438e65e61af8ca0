#include "routes/session/session_routes.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "identity/dpop.hpp"
#include "identity/session_cookie.hpp"
#include "identity/session_keys.hpp"
#include "routes/chat_api_route.hpp"
#include "routes/validation.hpp"
#include "state/tally.hpp"

namespace portcullis::routes {
namespace {

using http::Code;
using http::Problem;

/// What is refused for saying nothing.
constexpr std::string_view kNobody = "user";
/// Bytes of what a page says of its visitor's device.
constexpr std::size_t kMaxTrait = 64;

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

std::optional<std::string> check_proof(const boost::json::value& value) {
  if (value.get_string() == "dpop") return std::nullopt;
  return "The proof must be 'dpop'.";
}

std::optional<std::string> check_screen(const boost::json::value& value) {
  if (value.get_string().size() <= kMaxTrait) return std::nullopt;
  return "The screen_resolution is too long.";
}

std::optional<std::string> check_time_zone(const boost::json::value& value) {
  if (value.get_string().size() <= kMaxTrait) return std::nullopt;
  return "The timezone is too long.";
}

}  // namespace

class SessionRoutes::Create final : public pipeline::RouteHandler {
 public:
  explicit Create(const Services& services) : s_(services) {}

  Task<void> serve(http::Exchange& exchange) override {
    if (needs_proof(exchange)) return refuse_without_proof(exchange);
    auto user = user_of(exchange);
    if (!user) return refuse_user(exchange, user.error());
    return create(exchange, *std::move(user));
  }

 private:
  /// Whether the site asks this client for a key to bind its session to, and there is none.
  static bool needs_proof(const http::Exchange& exchange) {
    using config::ProofOfPossession;
    if (exchange.principal.proof) return false;
    switch (exchange.site->proof_of_possession) {
      case ProofOfPossession::off:
        return false;
      case ProofOfPossession::require:
        return true;
      case ProofOfPossession::offer:
        break;
    }
    // What was meant as a proof never makes a session without one.
    return can_prove(exchange) || exchange.head().find("dpop");
  }

  static bool can_prove(const http::Exchange& exchange) {
    return exchange.json && !string_member(exchange.json->value, "proof").empty();
  }

  Task<void> refuse_without_proof(http::Exchange& exchange) const {
    const WallTime now = exchange.worker().clock().wall();
    if (exchange.head().find("dpop")) {
      return s_.reporter->refuse(
          exchange, identity::dpop_problem(Code::proof_invalid, now),
          {audit::EventType::authentication, audit::ThreatLevel::low, "SES_008",
           "the proof of a key for a new session: " + exchange.principal.fault});
    }
    auto problem = identity::dpop_problem(Code::proof_required, now);
    // Who can prove is asked to, which is nothing to tell of.
    if (can_prove(exchange)) return s_.reporter->answer(exchange, std::move(problem));
    return s_.reporter->refuse(
        exchange, std::move(problem),
        {audit::EventType::authentication, audit::ThreatLevel::low, "SES_009",
         "a session without a key to bind it to, which the site requires"});
  }

  /// Whom the site's server names; empty: nobody. What is said and does not verify makes no session
  /// for anybody, not for a stranger either.
  identity::JwtResult<std::string> user_of(const http::Exchange& exchange) const {
    identity::ShownIdentity shown;
    if (exchange.json) {
      const auto& body = exchange.json->value;
      shown = {string_member(body, "user_token"), string_member(body, "user_id"),
               string_member(body, "user_hash")};
    }
    const auto* site = s_.visitors[exchange.site->index].get();
    if (shown.is_shown()) {
      if (site != nullptr) return site->verify(shown, exchange.started_wall());
      return identity::refuse(identity::JwtFault::unknown_key, "site");
    }
    if (site == nullptr || !site->is_required()) return std::string();
    return identity::refuse(identity::JwtFault::missing_claim, kNobody);
  }

  Task<void> refuse_user(http::Exchange& exchange, identity::JwtRefusal why) const {
    const bool missing = why.member == kNobody;
    return s_.reporter->refuse(
        exchange, Problem(missing ? Code::identity_required : Code::identity_invalid),
        {audit::EventType::authentication,
         missing ? audit::ThreatLevel::low : audit::ThreatLevel::medium,
         missing ? "SES_010" : "SES_011",
         missing ? "a session without a user, whom the site requires"
                 : "what the page says of its user does not verify: " + why.text()});
  }

  Task<void> create(http::Exchange& exchange, std::string user) const {
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
    // Churn counts like creating: what was destroyed in between makes no difference.
    const auto creations =
        co_await s_.store->admit(state::session_creations(exchange.client.address).adding());
    if (!creations) {
      co_return co_await s_.reporter->refuse_without_state(exchange, creations.error());
    }
    http::SessionClaims claims;
    claims.id = id;
    claims.created = now;
    claims.issued = std::chrono::floor<Milliseconds>(now);
    claims.expires = now + s_.settings->session_life;
    claims.site = exchange.site->id;
    claims.origin = exchange.origin ? exchange.origin->text() : "";
    std::string_view delivery;
    if (exchange.json) {
      claims.page_url = string_member(exchange.json->value, "page_url");
      delivery = string_member(exchange.json->value, "delivery");
      claims.device = s_.session_tokens->presenters().device(
          string_member(exchange.json->value, "screen_resolution"),
          string_member(exchange.json->value, "timezone"));
    }
    if (const auto& proof = exchange.principal.proof) {
      if (exchange.site->proof_of_possession != config::ProofOfPossession::off) {
        claims.proof_key = proof->thumbprint;
      }
    }
    claims.user = std::move(user);
    claims.rapid = state::Tally::count(*creations) > http::SessionClaims::kManyCreations;
    claims.owner =
        s_.session_tokens->presenters().of(exchange.head(), exchange.client.address, claims);
    // Over plain http no browser takes a cookie for a foreign page, so the token goes into the
    // body.
    claims.bearer =
        delivery == "bearer" || (identity::is_cross_site(exchange) && !exchange.client.https);
    const std::string token = s_.session_tokens->issue(claims);

    std::string body = "{\"session_id\":";
    text::append_json_string(
        body, s_.session_tokens->handle(identity::SessionTokens::Audience::client, claims));
    body += ",\"expires_at\":";
    text::append_json_string(body, text::iso8601(claims.expires));
    if (claims.bearer || claims.proof_key) {
      body += claims.proof_key ? R"(,"token_type":"DPoP")" : R"(,"token_type":"bearer")";
    }
    if (claims.bearer) {
      body += ",\"token\":";
      text::append_json_string(body, token);
    }
    body += "}";
    auto response = http::Response::json(200, std::move(body));
    if (!claims.bearer) {
      response.headers = identity::fresh_token_header(*s_.settings, exchange, claims, token);
    } else if (claims.proof_key) {
      response.headers.add(identity::kTokenHashHeader, identity::dpop_token_hash(token));
    }
    co_await exchange.send(std::move(response));
  }

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
      const auto ended = co_await end(exchange, *session);
      if (!ended) {
        co_return co_await s_.reporter->refuse_without_state(exchange, ended.error());
      }
    }
    auto response = http::Response::json(200, R"({"message":"Session destroyed"})");
    response.headers.add("Set-Cookie",
                         identity::session_cookie(*s_.settings, exchange, "", Seconds{0}));
    co_await exchange.send(std::move(response));
  }

 private:
  /// From another network than its owner's nobody ends it but for himself: he may have stolen it.
  Task<Result<void>> end(http::Exchange& exchange, const http::SessionClaims& session) const {
    const auto& presenter = exchange.presenter;
    if (presenter && identity::is_elsewhere(session, *presenter)) {
      const identity::SessionKeys keys(session, *presenter);
      co_return co_await s_.store->revoke({keys.shut_out(), session.expires, session.expires});
    }
    const auto ended = co_await s_.store->end_session(session.id, session.created);
    if (ended) s_.hub->drop(state::session_key(session.id));
    co_return ended;
  }

  const Services& s_;
};

SessionRoutes::SessionRoutes(Services services)
    : services_(std::move(services)),
      create_schema_({{"origin_domain", ObjectSchema::Type::string, true, check_domain},
                      {"page_url", ObjectSchema::Type::string, false, page_url_fault},
                      {"delivery", ObjectSchema::Type::string, false, check_delivery},
                      {"proof", ObjectSchema::Type::string, false, check_proof},
                      {"user_token", ObjectSchema::Type::string, false, {}},
                      {"user_id", ObjectSchema::Type::string, false, {}},
                      {"user_hash", ObjectSchema::Type::string, false, {}},
                      {"user_agent", ObjectSchema::Type::string, false, {}},
                      {"language", ObjectSchema::Type::string, false, {}},
                      {"screen_resolution", ObjectSchema::Type::string, false, check_screen},
                      {"timezone", ObjectSchema::Type::string, false, check_time_zone}}),
      create_(std::make_unique<Create>(services_)),
      validate_(std::make_unique<Validate>(services_)),
      destroy_(std::make_unique<Destroy>(services_)) {}

SessionRoutes::~SessionRoutes() = default;

void SessionRoutes::add_to(pipeline::RouteTable& table) {
  auto create =
      chat_api_route("session_create", "/api/v1/session/create", http::Method::post, create_.get());
  create.session = pipeline::SessionNeed::none;
  create.takes_proof = true;
  take_chat_body(create, *services_.settings, create_schema_);
  create.prose = {"user_agent"};
  create.secrets = {"user_token", "user_id", "user_hash"};
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

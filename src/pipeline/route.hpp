#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "http/exchange.hpp"

namespace portcullis::pipeline {

/// Who may call a route, and what a browser must prove.
enum class RouteKind : std::uint8_t {
  browser,    ///< an allowed Origin (or Referer, or same-origin Fetch-Metadata) is needed
  token,      ///< bearer or key; no Origin needed
  anonymous,  ///< no Origin needed, one that is sent must be allowed; cookies are ignored
};

/// Which limits a route is charged to.
enum class RouteClass : std::uint8_t {
  chat,   ///< address per minute and hour, site; messages also the session
  api,    ///< address per minute
  auth,   ///< attempts to log in, of an address per minute
  admin,  ///< management: user per minute
  light,  ///< static files, preflights, validate, history: ten times the per-minute limit
  probe,  ///< none
  look,   ///< none: whether a WebSocket may still stand, which nobody asked
};

enum class SessionNeed : std::uint8_t { none, required };

/// Which users and programs a route is for.
struct Access {
  bool needed = false;      ///< an access token or an API key
  http::Roles roles{};      ///< of which one is needed; empty: any verified caller
  bool every_site = false;  ///< a role for one site is not enough
  bool user_only = false;   ///< no API keys
  bool location = false;    ///< an API key comes with X-Location-ID, the site that it speaks of
  /// What an API key that has scopes must have among them: "" nothing; without a value such keys
  /// are not let in.
  std::optional<std::string> scope{};
  /// Nobody is let in while what nodes share cannot be asked: a revocation may have been missed.
  bool needs_shared_state = false;
  /// Whatever the settings say, no guard that stands before such a route is switched off there.
  bool always_guarded = false;
  /// The handler verifies a credential itself, so that one behind a blocked address may reach it.
  bool by_handler = false;
};

/// Which family of security headers an answer gets.
enum class HeaderPolicy : std::uint8_t {
  api,
  page,
  asset,
  n8n_page,  ///< n8n's hosted chat page, which is what it is: inline script, a widget from a CDN
};

std::string_view name_of(RouteKind kind) noexcept;
std::string_view name_of(RouteClass cls) noexcept;
/// nullopt where there is none of this name.
std::optional<RouteKind> route_kind_of(std::string_view name) noexcept;

inline constexpr std::size_t kGuardCount = std::size(config::kGuardNames);

/// Checks a parsed body against what a route expects of it.
class BodySchema {
 public:
  virtual ~BodySchema() = default;
  virtual std::optional<http::Problem> check(const http::JsonBody& body) const = 0;
  /// Asked on routes that take forms.
  virtual std::optional<http::Problem> check(const http::MultipartForm& form) const {
    (void)form;
    return http::Problem(http::Code::unsupported_media_type);
  }
};

/// What a body says of the session that its sender speaks for.
struct ClaimedSession {
  std::string_view id;      ///< chosen by the client
  bool is_message = false;  ///< charged to the session tier
};

/// Finds that in a body which has passed its schema; nullopt where it is not there.
class ClaimReader {
 public:
  virtual ~ClaimReader() = default;
  virtual std::optional<ClaimedSession> claim_in(const http::Exchange& exchange) const = 0;
};

/// How a route tells its clients that something was refused or has failed, where problem details
/// are not what they show.
class RefusalForm {
 public:
  virtual ~RefusalForm() = default;
  /// nullopt: this client gets problem details.
  virtual std::optional<http::Response> render(const http::Exchange& exchange,
                                               const http::Problem& problem,
                                               std::string_view error_id) const = 0;
};

/// What answers a request that every guard let through.
///
/// Threads: any worker; immutable but for what its own parts lock.
class RouteHandler {
 public:
  virtual ~RouteHandler() = default;
  /// Answers, unless the client has gone.
  virtual Task<void> serve(http::Exchange& exchange) = 0;
};

/// One entry of the route table: the gateway's own routes and configured ones alike.
struct Route {
  std::string name;  ///< metric label and log field
  std::string path;  ///< exact, or everything below it where `prefix`
  bool prefix = false;
  std::string host{};                 ///< that requests must name, in lower case; empty: any
  std::optional<std::size_t> site{};  ///< that they are of, whatever else they say
  std::vector<http::Method> methods;
  RouteKind kind = RouteKind::anonymous;
  RouteClass cls = RouteClass::api;
  SessionNeed session = SessionNeed::none;
  Access access{};
  bool is_message = false;           ///< charged to the session tier
  bool subscription = false;         ///< waits for events: bounded by the caps of streams
  bool websocket = false;            ///< opened by a handshake; bounded by the caps of WebSockets
  std::string token_parameter{};     ///< of the query, of a WebSocket; empty: none is looked at
  bool by_message = false;           ///< for messages of such a connection alone
  std::uint32_t cost = 1;            ///< units that a request takes of each of its tiers
  std::uint32_t address_minute = 0;  ///< units of one address for this route; 0: no such window
  bool critical = false;             ///< bodies that it refuses are told of as such
  /// Of the settings' `routes`, where it leads to a service: it stays where they say, in any case
  /// of letters, as its service may read it, and where it is exact also with a "/" behind it.
  std::optional<std::size_t> entry{};
  bool enabled = true;  ///< else nothing answers there, nor what a shorter path leads to
  bool takes_body = false;
  bool streams_body = false;  ///< nobody looks into it: the handler passes it on
  std::uint64_t max_body_bytes = 0;
  std::uint64_t max_form_bytes = 0;  ///< of multipart/form-data; 0: not taken
  const BodySchema* schema = nullptr;
  /// Where the body names the session: what the class costs is charged once that is known, until
  /// then the request is a light one.
  const ClaimReader* claims = nullptr;
  const RefusalForm* refusals = nullptr;  ///< null: problem details
  /// Members of the body, and query parameters, that hold what people say, beside those that do so
  /// everywhere; and those that hold addresses of pages. Everything else is structure.
  std::vector<std::string> prose;
  std::vector<std::string> urls;
  std::vector<std::string> secrets;  ///< members that nothing looks into: passwords, tokens
  bool takes_proof =
      false;  ///< of a key that what it makes is bound to, where the site asks for one
  bool body_optional = false;
  bool takes_form_fields = false;  ///< also as application/x-www-form-urlencoded
  std::string message_member;  ///< of the body, or of the query of a subscription: what the visitor
                               ///< says; empty: nothing is said
  std::string trap_member;     ///< of the body: what only machines fill in
  HeaderPolicy headers = HeaderPolicy::api;
  /// Whole answers of some length are packed for clients that take that. Only where they hold no
  /// secret: how well one packs beside what a caller says gives it away (BREACH).
  bool packs_answers = false;
  RouteHandler* handler = nullptr;
  std::array<config::GuardSettings, kGuardCount> guards{};
  std::size_t index = 0;  ///< given by the pipeline
  bool ops_only = false;  ///< without login only on the operations listener or from this machine

  bool allows(http::Method method) const noexcept;
  bool covers(std::string_view wanted) const noexcept;
  /// What comes by itself, or as the message of a connection that vouches for it.
  bool answers(bool vouched) const noexcept;
  config::Mode mode_of(std::string_view guard) const noexcept;
  /// Whether what this guard finds has effects: others only count and tell.
  bool enforces(std::string_view guard) const noexcept {
    return mode_of(guard) == config::Mode::enforce;
  }
};

/// How much visitors of a site may do.
struct Limits {
  std::uint32_t chat_address_minute = 0;
  std::uint32_t chat_address_hour = 0;
  std::uint32_t session_minute = 0;
  std::uint32_t site_minute = 0;
  std::uint32_t in_flight_address = 0;
  std::uint32_t in_flight_session = 0;
  std::uint32_t in_flight_site = 0;

  /// Those of the site, and of the settings where it has none.
  static Limits of(const config::Settings& settings, const config::SiteSettings& site);
};

/// How those are judged who present sessions of a site.
struct SessionRisk {
  config::Mode mode = config::Mode::off;
  int alert = 100;  ///< from so many points on
  int deny = 100;   ///< with more points than this

  /// That of the site, and of the settings where it has none.
  static SessionRisk of(const config::Settings& settings, const config::SiteSettings& site);
};

/// A site, as guards and filters need it.
struct Site {
  std::size_t index = 0;
  std::string id;
  std::vector<OriginPattern> origins;
  Limits limits;
  SessionRisk session_risk{};
  config::ProofOfPossession proof_of_possession = config::ProofOfPossession::off;
};

/// Finds the route of a request: exact paths first, then the longest prefix, whatever the method;
/// of two alike the one for its host. Behind a path that is another host's, no wider route for any
/// host answers.
///
/// Threads: immutable after build().
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;  ///< null: no such path
    std::string allow;             ///< where the path is known but not the method
  };

  void add(Route route) { routes_.push_back(std::move(route)); }
  /// Applies modes of the settings and per-route overrides. @returns problems, one a line.
  std::vector<std::string> build(const config::Settings& settings);
  struct Wanted {
    std::string_view path;
    http::Method method = http::Method::get;
    std::string_view host{};  ///< in lower case
    /// For what a connection says, which is good for messages, and not for what else has the path
    /// now.
    bool vouched = false;
  };
  Match find(const Wanted& wanted) const;
  /// Of a request as it came, with this method.
  Match find(const http::Exchange& exchange, http::Method method) const;
  const std::vector<Route>& routes() const noexcept { return routes_; }
  std::vector<Route>& routes() noexcept { return routes_; }
  /// Modes where no route overrides them; what answers outside of every route has these.
  const std::array<config::GuardSettings, kGuardCount>& default_guards() const noexcept {
    return default_guards_;
  }
  /// The table as text for `check-config`.
  std::string text() const;

 private:
  std::vector<Route> routes_;
  bool has_hosts_ = false;  ///< it matters which host a request names
  std::array<config::GuardSettings, kGuardCount> default_guards_{};
};

}  // namespace portcullis::pipeline

#include "routes/security/end_sessions.hpp"

#include <algorithm>

#include "identity/session_keys.hpp"
#include "routes/security/reason.hpp"

namespace portcullis::routes {
namespace {

using audit::EventDecision;
using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;

}  // namespace

EndSessions::EndSessions(const Services& services)
    : s_(services),
      schema_({{"address", ObjectSchema::Type::string, false, {}},
               {"user", ObjectSchema::Type::string, false, {}},
               {"site", ObjectSchema::Type::string, false, {}},
               {"reason", ObjectSchema::Type::string, true, {}, reason_fault}}) {}

Task<void> EndSessions::serve(http::Exchange& exchange) {
  const auto& body = exchange.json->value;  // the body guard is enforced on this route
  const auto address = string_member(body, "address");
  const auto user = string_member(body, "user");
  const auto site = string_member(body, "site");
  if (address.empty() == user.empty()) {
    co_return co_await refuse(exchange, "Either 'address' or 'user' is needed.");
  }
  std::vector<state::Key> keys;
  std::string target;
  if (user.empty()) {
    const auto parsed = IpAddress::parse(address);
    if (!parsed) co_return co_await refuse(exchange, "'address' is no IP address.");
    for (const auto network : s_.session_tokens->presenters().networks(*parsed)) {
      keys.push_back(identity::network_key(network));
    }
    target = parsed->network().text();
  } else {
    const auto& sites = s_.settings->sites;
    if (std::ranges::find(sites, site, &config::SiteSettings::id) == sites.end()) {
      co_return co_await refuse(exchange, "'site' is none of the sites.");
    }
    keys.push_back(identity::visitor_key(site, user));
    ((target = site) += ' ') += user;
  }

  const WallTime now = exchange.worker().clock().wall();
  const WallTime until = now + s_.settings->session_life;
  for (const auto& key : keys) {
    const auto done = co_await s_.store->revoke({key, now, until});
    if (!done) co_return co_await s_.reporter->refuse_without_state(exchange, done.error());
  }
  pipeline::Incident incident{
      EventType::configuration, ThreatLevel::medium, "MGT_006",
      user.empty() ? "ended all sessions from an address" : "ended all sessions of a user"};
  incident.details = {{"target", target}, {"reason", std::string(string_member(body, "reason"))}};
  s_.reporter->report(exchange, incident, EventDecision::acted);
  co_await exchange.send(http::Response::json(200, R"({"message":"Sessions ended"})"));
}

Task<void> EndSessions::refuse(http::Exchange& exchange, std::string detail) const {
  co_await s_.reporter->refuse(
      exchange, Problem(Code::schema_invalid, detail),
      {EventType::input_validation, ThreatLevel::low, "MGT_001", std::move(detail)});
}

}  // namespace portcullis::routes

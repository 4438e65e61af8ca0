#include "guards/access/access_guard.hpp"

#include <algorithm>

#include "guards/blocks/blocks_guard.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using http::Code;
using http::Problem;
using pipeline::Verdict;

class AccessGuard final : public pipeline::Guard {
 public:
  std::string_view name() const noexcept override { return "access"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    const auto& access = exchange.route->access;
    if (!access.needed && !access.needs_shared_state) return Verdict::pass();
    if (access.needs_shared_state && exchange.decided_alone) {
      return Verdict::refuse(Problem(Code::state_unavailable, {}, 2),
                             {EventType::system_integrity, ThreatLevel::medium, "AUTH_003",
                              "what nodes share cannot be asked, and revocations may be missed"});
    }
    if (!access.needed) return Verdict::pass();
    const auto& principal = exchange.principal;
    if (!principal.is_verified()) {
      // It verified when the block was looked at, and has been revoked since.
      if (exchange.client.blocked_since) {
        return refuse_blocked(std::nullopt, "blocked address, and a token that is revoked");
      }
      return unauthorized(principal);
    }
    if (access.user_only && principal.kind != http::Principal::Kind::user) {
      return forbidden("an API key where a user is needed");
    }
    if (!covers(principal.scopes, access.scope)) {
      return forbidden("an API key without the scope " +
                       access.scope.value_or("that is asked for"));
    }
    if (auto wrong = location_fault(exchange)) return *std::move(wrong);
    const std::string_view site = access.every_site ? http::kEverySite : exchange.site->id;
    if (!access.roles.empty() && !http::grants_any(principal.grants, access.roles, site)) {
      return forbidden("none of the roles " + access.roles.text() + " for " +
                       (access.every_site ? "all sites" : "site " + std::string(site)));
    }
    return Verdict::pass();
  }

 private:
  /// A scope that ends with "*" stands for all that begin so.
  static bool covers(const std::vector<std::string>& scopes,
                     const std::optional<std::string>& wanted) {
    if (scopes.empty()) return true;
    if (!wanted) return false;
    return wanted->empty() || std::ranges::any_of(scopes, [&](const std::string& scope) {
             return scope.ends_with('*')
                        ? wanted->starts_with(std::string_view(scope).substr(0, scope.size() - 1))
                        : scope == *wanted;
           });
  }

  static Verdict unauthorized(const http::Principal& principal) {
    Problem problem(Code::auth_failed);
    if (!principal.credential_rejected) {
      return Verdict::refuse(std::move(problem), {EventType::authentication, ThreatLevel::low,
                                                  "AUTH_002", "no credential"});
    }
    problem.bearer_error = "invalid_token";
    const auto level = principal.failed_login ? ThreatLevel::medium : ThreatLevel::low;
    pipeline::Incident incident{EventType::authentication, level, "AUTH_002",
                                "credential refused: " + principal.fault};
    // "JWT_014 exp": what an operator filters by.
    if (principal.fault.starts_with("JWT_")) {
      incident.further_codes.push_back(principal.fault.substr(0, principal.fault.find(' ')));
    }
    return Verdict::refuse(std::move(problem), std::move(incident));
  }

  static Verdict forbidden(std::string why) {
    return Verdict::refuse(Problem(Code::forbidden), {EventType::authorization, ThreatLevel::medium,
                                                      "AUTH_004", std::move(why)});
  }

  static std::optional<Verdict> location_fault(const http::Exchange& exchange) {
    const bool is_key = exchange.principal.kind == http::Principal::Kind::api_key;
    const auto of_key = http::Roles{http::Role::service};
    if (is_key && !http::grants_any(exchange.principal.grants, of_key, exchange.site->id)) {
      return forbidden("an API key of another site");
    }
    const auto told = exchange.head().find("x-location-id");
    if (told) {
      if (*told == exchange.site->id && exchange.head().count("x-location-id") == 1) return {};
      return forbidden("X-Location-ID is not the site that the caller speaks for");
    }
    if (!exchange.route->access.location || !is_key) return {};
    return Verdict::refuse(
        Problem(Code::auth_failed, "The header X-Location-ID is missing."),
        {EventType::authentication, ThreatLevel::low, "AUTH_002", "X-Location-ID is missing"});
  }
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_access_guard() { return std::make_unique<AccessGuard>(); }

}  // namespace portcullis::guards

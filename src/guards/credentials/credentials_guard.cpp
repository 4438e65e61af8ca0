#include "guards/credentials/credentials_guard.hpp"

#include "guards/blocks/blocks_guard.hpp"
#include "http/fields.hpp"

namespace portcullis::guards {
namespace {

using pipeline::Verdict;

class CredentialsGuard final : public pipeline::Guard {
 public:
  CredentialsGuard(const config::Settings& settings, const identity::SessionTokens& tokens)
      : cookie_name_(settings.cookie_name), tokens_(tokens) {}
  std::string_view name() const noexcept override { return "credentials"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    find(exchange);
    if (const auto& session = exchange.principal.session; session && session->owner) {
      exchange.presenter =
          tokens_.presenters().of(exchange.head(), exchange.client.address, *session);
    }
    if (exchange.client.blocked_since && !exchange.principal.session) {
      return refuse_blocked(std::nullopt, "blocked address, and a session that does not verify");
    }
    return Verdict::pass();
  }

 private:
  void find(http::Exchange& exchange) const {
    auto& principal = exchange.principal;
    if (const auto bearer = http::bearer_token(exchange.head())) {
      if (!bearer->starts_with(identity::SessionTokens::kPrefix)) {
        principal.credential_rejected = principal.failed_login = true;
        return;
      }
      return take(principal, tokens_.verify(*bearer));
    }
    if (exchange.head().find("authorization")) principal.credential_rejected = true;
    if (exchange.route->kind != pipeline::RouteKind::browser) return;
    // A sibling domain can set a cookie of the same name, so one that does not verify does not hide
    // one that does.
    for (const auto value : http::cookie_values(exchange.head(), cookie_name_)) {
      auto claims = tokens_.verify(value);
      if (claims && claims->bearer) claims.reset();
      if (claims) return take(principal, std::move(claims));
      principal.credential_rejected = true;
    }
  }

  static void take(http::Principal& principal, std::optional<http::SessionClaims> claims) {
    principal.credential_rejected = !claims;
    if (claims) {
      principal.kind = http::Principal::Kind::session;
      principal.session = std::move(claims);
    }
  }

  const std::string cookie_name_;
  const identity::SessionTokens& tokens_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_credentials_guard(const config::Settings& settings,
                                                        const identity::SessionTokens& tokens) {
  return std::make_unique<CredentialsGuard>(settings, tokens);
}

}  // namespace portcullis::guards

#include "guards/credentials/credentials_guard.hpp"

#include <algorithm>

#include "guards/blocks/blocks_guard.hpp"
#include "guards/credentials/key_proofs.hpp"
#include "http/fields.hpp"
#include "http/websocket/handshake.hpp"

namespace portcullis::guards {
namespace {

using pipeline::Verdict;

class CredentialsGuard final : public pipeline::Guard {
 public:
  CredentialsGuard(const config::Settings& settings, const CredentialParts& parts)
      : cookie_name_(settings.cookie_name), proofs_(settings), parts_(parts) {}
  std::string_view name() const noexcept override { return "credentials"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (accounts_are_unknown() && rests_on_accounts(exchange)) {
      return fail(ErrorCode::unavailable, "accounts have not been read yet", ErrorOrigin::gateway,
                  Retry::safe);
    }
    if (exchange.vouched) {
      look_again(exchange);
      return conclude(exchange);
    }
    const auto of_provider = find(exchange);
    if (!of_provider) return conclude(exchange);
    auto claims = parts_.provider->verify(exchange, *of_provider);
    if (!claims.ready()) return wait_and_conclude(exchange, std::move(claims));
    if (!claims.value()) return std::unexpected(std::move(claims.value()).error());
    take_provided(exchange, *std::move(claims.value()));
    return conclude(exchange);
  }

 private:
  using Provided = Result<identity::JwtResult<identity::UserClaims>>;

  pipeline::Decision conclude(http::Exchange& exchange) const {
    take_proof_of_new_key(exchange);
    const auto& principal = exchange.principal;
    if (principal.session && principal.session->owner) {
      exchange.presenter = parts_.sessions.presenters().of(exchange.head(), exchange.client.address,
                                                           *principal.session);
    }
    if (exchange.client.blocked_since && !exchange.route->access.by_handler && !principal.session &&
        !principal.is_verified()) {
      return refuse_blocked(std::nullopt, "blocked address, and a credential that does not verify");
    }
    return Verdict::pass();
  }

  /// What was good when the connection was opened may have ended since; a user's token and a
  /// session are asked about with the limits.
  void look_again(http::Exchange& exchange) const {
    if (const auto* own = site(exchange.vouched_site); own != nullptr && may_name_site(exchange)) {
      exchange.site = own;
    }
    auto& principal = exchange.principal;
    if (principal.kind != http::Principal::Kind::api_key) return;
    const auto key =
        parts_.directory == nullptr ? nullptr : parts_.directory->find_key(principal.key_prefix);
    if (key && key->id == principal.id && key->is_valid(exchange.started_wall())) return;
    principal = {};
    reject(principal, "an API key that is revoked, expired or of a disabled user");
  }

  /// Which keys there are, and what was revoked.
  bool accounts_are_unknown() const {
    return parts_.directory != nullptr && !parts_.directory->is_known();
  }
  static bool rests_on_accounts(const http::Exchange& exchange) {
    if (is_login(exchange)) return false;
    const auto bearer = bearer_of(exchange);
    return exchange.head().find("x-api-key") ||
           (bearer && !bearer->starts_with(identity::SessionTokens::kPrefix));
  }
  /// Pages cannot give a WebSocket's handshake a header; they may name a protocol.
  static std::optional<std::string_view> bearer_of(const http::Exchange& exchange) {
    const auto& head = exchange.head();
    const auto& route = *exchange.route;
    if (route.websocket && !head.find("authorization")) {
      const auto offered = http::websocket::offered_bearer(head);
      if (offered || route.token_parameter.empty()) return offered;
      return http::raw_parameter(head.query(), route.token_parameter);
    }
    return http::bearer_token(head);
  }
  static bool is_login(const http::Exchange& exchange) {
    return exchange.route->cls == pipeline::RouteClass::auth && !exchange.route->access.needed;
  }

  Task<Result<Verdict>> wait_and_conclude(http::Exchange& exchange,
                                          Eventual<Provided> eventual) const {
    auto claims = co_await eventual;
    if (!claims) co_return std::unexpected(std::move(claims).error());
    take_provided(exchange, *std::move(claims));
    co_return std::move(conclude(exchange).value());
  }

  /// @returns a token that nobody but the OpenID provider can have issued, still to be judged.
  std::optional<std::string_view> find(http::Exchange& exchange) const {
    auto& principal = exchange.principal;
    // Who logs in is nobody yet: another's token shown there would take the blame for guesses.
    if (is_login(exchange)) return {};
    const auto& head = exchange.head();
    const auto bearer = bearer_of(exchange);
    if (const auto key = head.find("x-api-key")) {
      // Of two that differ nobody could say which one counts.
      if (head.find("authorization") || head.count("x-api-key") > 1) {
        reject(principal, "several credentials");
      } else {
        take_key(exchange, *key);
      }
    } else if (bearer && bearer->starts_with(identity::SessionTokens::kPrefix)) {
      const bool proves =
          exchange.route->websocket && http::websocket::offered_proof(head).has_value();
      take_session(exchange, *bearer, proves ? Shown::dpop : Shown::bearer);
    } else if (const auto bound = http::dpop_token(head)) {
      take_session(exchange, *bound, Shown::dpop);
    } else if (bearer && bearer->starts_with(identity::kApiKeyMark)) {
      take_key(exchange, *bearer);
    } else if (bearer) {
      const bool may_be_anothers = !take_user(exchange, *bearer);
      if (may_be_anothers && parts_.provider != nullptr) return bearer;
      if (principal.is_verified()) take_cookie(exchange);
    } else {
      if (head.find("authorization")) principal.credential_rejected = true;
      take_cookie(exchange);
    }
    return {};
  }

  void take_cookie(http::Exchange& exchange) const {
    auto& principal = exchange.principal;
    if (exchange.route->kind != pipeline::RouteKind::browser) return;
    // A sibling domain can set a cookie of the same name, so one that does not verify does not hide
    // one that does.
    for (const auto value : http::cookie_values(exchange.head(), cookie_name_)) {
      take_session(exchange, value, Shown::cookie);
      if (principal.session) return;
    }
  }

  /// How a session's token came.
  enum class Shown : std::uint8_t { cookie, bearer, dpop };

  static void reject(http::Principal& principal, std::string_view why) {
    principal.credential_rejected = true;
    principal.fault = why;
  }
  /// Of what somebody may have made up.
  static void reject_guess(http::Principal& principal, std::string_view why) {
    reject(principal, why);
    principal.failed_login = true;
  }

  void take_session(http::Exchange& exchange, std::string_view token, Shown shown) const {
    auto& principal = exchange.principal;
    auto claims = parts_.sessions.verify(token);
    if (claims && claims->bearer && shown == Shown::cookie) claims.reset();
    // The other way round, too: what says that it is proven is.
    if (claims && !claims->proof_key && shown == Shown::dpop) claims.reset();
    principal.credential_rejected = !claims;
    if (!claims) return;
    if (claims->proof_key) {
      // RFC 9449 section 7.2: a bound token is none of a bearer's, whatever comes beside it.
      auto proof = shown == Shown::bearer
                       ? identity::refuse(identity::JwtFault::wrong_type, "token")
                       : prove(exchange, *claims, token);
      if (!proof) return principal.forget_unproven(*std::move(claims), proof.error().text());
      principal.proof = {proof->thumbprint, std::move(proof->id)};
    }
    if (!principal.is_verified()) principal.kind = http::Principal::Kind::session;
    principal.unproven.reset();
    principal.session = std::move(claims);
  }

  identity::JwtResult<identity::DpopProof> prove(const http::Exchange& exchange,
                                                 const http::SessionClaims& session,
                                                 std::string_view token) const {
    TRY(auto proof, proofs_.read(exchange));
    if (const auto fits = check_proof(proof, session, token); !fits) {
      return std::unexpected(fits.error());
    }
    return proof;
  }

  /// Of a key that the session to be made will be bound to.
  void take_proof_of_new_key(http::Exchange& exchange) const {
    auto& principal = exchange.principal;
    const bool asked = exchange.route->takes_proof &&
                       exchange.site->proof_of_possession != config::ProofOfPossession::off;
    if (!asked || principal.proof || !exchange.head().find("dpop")) return;
    auto proof = proofs_.read(exchange);
    if (!proof) {
      principal.fault = proof.error().text();
    } else {
      principal.proof = {proof->thumbprint, std::move(proof->id)};
    }
  }

  /// @returns false for what by its form may be a token that somebody else has signed.
  bool take_user(http::Exchange& exchange, std::string_view token) const {
    auto& principal = exchange.principal;
    if (parts_.users == nullptr) {
      reject_guess(principal, "there are no users");
      return true;
    }
    auto claims =
        parts_.users->verify(identity::UserTokens::Use::access, token, exchange.started_wall());
    if (claims) {
      take_claims(exchange, *std::move(claims));
      return true;
    }
    using identity::JwtFault;
    const auto fault = claims.error().fault;
    // What stands behind a good signature was issued to somebody once.
    const bool is_signed = fault > JwtFault::bad_signature;
    if (is_signed) {
      reject(principal, claims.error().text());
    } else {
      reject_guess(principal, claims.error().text());
    }
    return is_signed || fault == JwtFault::too_large || fault == JwtFault::malformed;
  }

  /// What the provider's keys say of a token that ours do not know.
  void take_provided(http::Exchange& exchange,
                     identity::JwtResult<identity::UserClaims> claims) const {
    using identity::JwtFault;
    auto& principal = exchange.principal;
    if (claims) {
      principal.credential_rejected = principal.failed_login = false;
      principal.fault.clear();
      take_claims(exchange, *std::move(claims));
      return take_cookie(exchange);
    }
    const auto fault = claims.error().fault;
    principal.fault = claims.error().text();
    // By a key that is gone by now, or that has not been fetched yet, it may be good.
    principal.failed_login = fault < JwtFault::unknown_key;
  }

  void take_claims(http::Exchange& exchange, identity::UserClaims claims) const {
    auto& principal = exchange.principal;
    principal.kind = http::Principal::Kind::user;
    principal.id = std::move(claims.subject);
    principal.grants = std::move(claims.grants);
    principal.login = std::move(claims.family);
    principal.token_id = std::move(claims.id);
    principal.issued = claims.issued;
    principal.expires = claims.expires;
    take_location(exchange);
  }

  void take_key(http::Exchange& exchange, std::string_view text) const {
    auto& principal = exchange.principal;
    if (parts_.keys == nullptr) return reject_guess(principal, "there are no API keys");
    const auto parsed = identity::parse_api_key(text);
    if (!parsed) {
      return parsed.error() == identity::ApiKeyFault::mistyped
                 ? reject(principal, "an API key with a slip of the pen")
                 : reject_guess(principal, "no API key of ours by its form");
    }
    const auto key = parts_.directory->find_key(parsed->prefix);
    if (!key || !parts_.keys->matches(*parsed, *key)) {
      return reject_guess(principal, "no such API key");
    }
    if (!key->is_valid(exchange.started_wall())) {
      return reject(principal, "an API key that is revoked, expired or of a disabled user");
    }
    if (key->site != http::kEverySite) {
      const auto* own = site(key->site);
      if (own == nullptr) return reject(principal, "an API key for a site that is gone");
      if (may_name_site(exchange)) exchange.site = own;
    }
    principal.kind = http::Principal::Kind::api_key;
    principal.id = key->id;
    principal.grants = {{http::Role::service, key->site}};
    principal.scopes = key->scopes;
    principal.key_prefix = key->prefix;
    if (key->expires) principal.expires = *key->expires;
    principal.requests_per_minute = key->requests_per_minute.value_or(0);
    parts_.directory->note_use(key->prefix, exchange.started_wall());
    if (key->site == http::kEverySite) take_location(exchange);
  }

  static bool may_name_site(const http::Exchange& exchange) {
    return !exchange.origin && !exchange.route->site;
  }

  /// The site that a caller without a page speaks of. One that there is none of is for the access
  /// guard to refuse.
  void take_location(http::Exchange& exchange) const {
    if (!may_name_site(exchange)) return;
    if (const auto* named = site(exchange.head().get("x-location-id"))) exchange.site = named;
  }

  const pipeline::Site* site(std::string_view id) const {
    const auto at = std::ranges::find(parts_.sites, id, &pipeline::Site::id);
    return at == parts_.sites.end() ? nullptr : &*at;
  }

  const std::string cookie_name_;
  const KeyProofs proofs_;
  const CredentialParts parts_;
};

}  // namespace

std::unique_ptr<pipeline::Guard> make_credentials_guard(const config::Settings& settings,
                                                        const CredentialParts& parts) {
  return std::make_unique<CredentialsGuard>(settings, parts);
}

}  // namespace portcullis::guards

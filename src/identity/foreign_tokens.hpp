#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "identity/claim_rules.hpp"

namespace portcullis::identity {

/// Verifies tokens that others issue: an OpenID provider (by its JWK Set), or the page that carries
/// the widget (by a secret that both know).
///
/// The keys may change at the issuer: whoever fetches them makes a new one. A refusal with
/// JwtFault::unknown_key tells that it may be time to.
///
/// Threads: immutable; safe from any.
/// Errors:  make: invalid_input. verify: any JwtFault; its refusals view this object's rules.
/// Cost:    that of verify_jwt().
/// Source:  OpenID Connect Core section 3.1.3.7, RFC 8725 sections 3.8 to 3.12.
class ForeignTokens {
 public:
  struct Rules {
    ClaimRules claims;
    std::vector<std::string> wanted;  ///< claims to hand on where they are there
  };
  static Result<ForeignTokens> make(Rules rules, JwtKeys keys);

  /// What is believed of a token.
  struct Identity {
    std::string subject;         ///< of this issuer alone: another may mean somebody else by it
    std::string id;              ///< `jti`; empty where there is none
    boost::json::object claims;  ///< those that were wanted, of any type
    WallTime issued;
    WallTime expires;
  };
  JwtResult<Identity> verify(std::string_view token, WallTime now) const;

 private:
  ForeignTokens(Rules rules, JwtKeys keys) : rules_(std::move(rules)), keys_(std::move(keys)) {}

  Rules rules_;
  JwtKeys keys_;
};

}  // namespace portcullis::identity

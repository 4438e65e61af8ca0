#include "identity/foreign_tokens.hpp"

namespace portcullis::identity {

Result<ForeignTokens> ForeignTokens::make(Rules rules, JwtKeys keys) {
  if (const auto ruled = rules.claims.check(); !ruled) return std::unexpected(ruled.error());
  return ForeignTokens(std::move(rules), std::move(keys));
}

JwtResult<ForeignTokens::Identity> ForeignTokens::verify(std::string_view token,
                                                         WallTime now) const {
  http::JsonBody body;
  TRY(auto verified, verify_jwt(token, keys_, rules_.claims, now, body));
  Identity identity{.subject = std::move(verified.subject),
                    .id = std::move(verified.id),
                    .claims = {},
                    .issued = verified.issued,
                    .expires = verified.expires};
  for (const auto& name : rules_.wanted) {
    // A copy in memory of its own: the body ends with this function.
    if (const auto* value = body.value.get_object().if_contains(name)) {
      identity.claims.emplace(name, *value);
    }
  }
  return identity;
}

}  // namespace portcullis::identity

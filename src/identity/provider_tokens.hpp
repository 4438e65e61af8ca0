#pragma once
#include <string_view>

#include "base/eventual.hpp"
#include "base/result.hpp"
#include "http/exchange.hpp"
#include "identity/jwt_fault.hpp"
#include "identity/user_tokens.hpp"

namespace portcullis::identity {

/// Access tokens of users whom an OpenID provider knows. Its keys may have to be fetched first.
///
/// Threads:   any worker; the object is shared.
/// Ownership: the configuration's.
class ProviderTokens {
 public:
  /// What the ids of such users begin with, as those of our own never do.
  static constexpr std::string_view kSubjectMark = "oidc:";

  virtual ~ProviderTokens() = default;

  /// Errors: unavailable, exhausted: its keys cannot be had now; cancelled: the client has gone.
  virtual Eventual<Result<JwtResult<UserClaims>>> verify(http::Exchange& exchange,
                                                         std::string_view token) = 0;
  /// For /health: "unasked" until the first token comes, then "healthy" or "degraded".
  virtual std::string_view health() const noexcept = 0;
};

}  // namespace portcullis::identity

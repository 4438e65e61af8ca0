#pragma once
#include <functional>

#include "commands/accounts.hpp"
#include "identity/user_tokens.hpp"

namespace portcullis::commands {

/// As with_accounts(); kBadUsage, too, where the configuration has no usable keys for tokens.
int with_tokens(
    const std::string& file, const Streams& streams,
    const std::function<Result<ExitStatus>(Accounts&, const identity::UserTokens&)>& work);

/// "-": the first line of `in`; else the text itself. Without white space around it.
Result<std::string> token_given(const std::string& text, std::istream& in);

/// A token that verifies.
struct KnownToken {
  identity::UserTokens::Use use = identity::UserTokens::Use::access;
  identity::UserClaims claims;
};
/// As what its header says it is.
identity::JwtResult<KnownToken> verify(const identity::UserTokens& tokens, std::string_view token,
                                       WallTime now);

/// The latest time before which what was issued to somebody is void: as he is known, and as his
/// sessions were ended. The store may have noted one that lies a second ahead.
Result<WallTime> void_before(identity::AccountStore& store, std::string_view subject, WallTime now);

/// What voids a token, in words of the field: "token", "login" or "user"; empty where nothing does.
Result<std::string_view> revoked_by(identity::AccountStore& store,
                                    const identity::UserClaims& claims, WallTime now);

}  // namespace portcullis::commands

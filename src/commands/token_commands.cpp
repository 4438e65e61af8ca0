#include "commands/token_commands.hpp"

#include <algorithm>
#include <ostream>

#include "commands/token_keys.hpp"
#include "identity/grant_text.hpp"

namespace portcullis::commands {
namespace {

using identity::Grant;
using identity::User;
using identity::UserTokens;

std::unexpected<Error> refused(std::string why) {
  return fail(ErrorCode::invalid_input, std::move(why), ErrorOrigin::client);
}

/// What a token of a stored user carries: no more than he has.
Result<std::vector<Grant>> grants_of(const User& user, const TokenIssue& wanted) {
  if (wanted.role.empty()) return user.grants;
  const bool anywhere = wanted.site.empty() && !wanted.role.contains('@');
  TRY(const auto asked,
      identity::grant_in(wanted.role, anywhere ? identity::kEverySite : wanted.site));
  std::vector<Grant> out;
  if (anywhere) {
    std::ranges::copy_if(user.grants, std::back_inserter(out),
                         [&](const Grant& grant) { return grant.role == asked.role; });
  } else if (std::ranges::any_of(user.grants, [&](const Grant& grant) {
               return grant.role == asked.role &&
                      (grant.site == asked.site || grant.site == identity::kEverySite);
             })) {
    out.push_back(asked);
  }
  if (out.empty()) {
    return refused("user " + user.name + " has not the role " + wanted.role + ", only " +
                   identity::text_of(user.grants));
  }
  return out;
}

/// Whom the token is for, and from when on it may be issued.
struct Bearer {
  identity::UserClaims claims;
  WallTime from;
};

Result<Bearer> bearer_of(Accounts& accounts, const TokenIssue& wanted) {
  Bearer out{.claims = {}, .from = accounts.now};
  auto user = accounts.store->find_user(wanted.subject);
  if (!user && user.error().code != ErrorCode::not_found) return std::unexpected(user.error());
  if (user) {
    if (user->disabled) return refused("user " + user->name + " is disabled");
    TRY(out.claims.grants, grants_of(*user, wanted));
    out.claims.subject = user->id;
    out.from = std::max(out.from, user->sessions_valid_from);
  } else {
    if (wanted.role.empty()) {
      return refused("there is no user '" + wanted.subject + "': name a --role");
    }
    TRY(auto grant,
        identity::grant_in(wanted.role, wanted.site.empty() ? identity::kEverySite : wanted.site));
    out.claims.grants = {std::move(grant)};
    TRY(out.claims.subject, identity::user_key(wanted.subject));
  }
  TRY(const auto ended, void_before(*accounts.store, out.claims.subject, accounts.now));
  out.from = std::max(out.from, ended);
  return out;
}

}  // namespace

int token_issue(const TokenIssue& wanted, const Streams& streams) {
  return with_tokens(wanted.config, streams,
                     [&](Accounts& accounts, const UserTokens& tokens) -> Result<ExitStatus> {
                       TRY(const auto bearer, bearer_of(accounts, wanted));
                       warn_of_unknown_sites(accounts, bearer.claims.grants, streams.err);
                       const Seconds life =
                           wanted.ttl > 0
                               ? Seconds{wanted.ttl}
                               : std::chrono::minutes{accounts.settings.access_token_minutes};
                       TRY(const auto issued,
                           tokens.issue(UserTokens::Use::access, bearer.claims, bearer.from, life));
                       streams.out << issued.token << "\n";
                       return kDone;
                     });
}

namespace {

Result<ExitStatus> revoke_all_of(Accounts& accounts, const std::string& subject,
                                 std::ostream& out) {
  const auto user = accounts.store->find_user(subject);
  if (user) {
    const auto ended = accounts.store->end_sessions(user->id, accounts.now);
    if (!ended) return std::unexpected(ended.error());
  } else if (user.error().code == ErrorCode::not_found ||
             user.error().code == ErrorCode::invalid_input) {
    auto noted = accounts.store->revoke_tokens_of(subject, identity::next_second(accounts.now));
    if (!noted) return std::unexpected(noted.error());
  } else {
    return std::unexpected(user.error());
  }
  out << "all tokens of " << subject << " revoked\n";
  return kDone;
}

}  // namespace

int token_revoke(const TokenRevoke& wanted, const Streams& streams) {
  return with_tokens(
      wanted.config, streams,
      [&](Accounts& accounts, const UserTokens& tokens) -> Result<ExitStatus> {
        if (!wanted.user.empty()) return revoke_all_of(accounts, wanted.user, streams.out);
        if (wanted.token.empty()) {
          auto revoked = accounts.store->revoke_token(wanted.id, accounts.now);
          if (!revoked) return std::unexpected(revoked.error());
          streams.out << "token " << wanted.id << " revoked\n";
          return kDone;
        }
        TRY(const std::string token, token_given(wanted.token, streams.in));
        const auto known = verify(tokens, token, accounts.now);
        if (!known) {
          return refused("the token does not verify, so there is nothing to revoke: " +
                         known.error().text());
        }
        const auto& claims = known->claims;
        if (known->use == UserTokens::Use::refresh) {
          auto ended = accounts.store->revoke_family(claims.family, accounts.now);
          if (!ended) return std::unexpected(ended.error());
          streams.out << "login " << claims.family << " ended\n";
          return kDone;
        }
        auto revoked = accounts.store->revoke_token(claims.id, accounts.now);
        if (!revoked) return std::unexpected(revoked.error());
        streams.out << "token " << claims.id << " revoked\n";
        return kDone;
      });
}

}  // namespace portcullis::commands

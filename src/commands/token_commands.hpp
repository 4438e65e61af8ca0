#pragma once
#include <string>
#include <vector>

#include "commands/command.hpp"

namespace portcullis::commands {

/// `portcullis token …`: access tokens without a login, and what becomes of tokens. A token is read
/// from standard input where it is given as "-", so that it stands in no list of processes.

struct TokenIssue {
  std::string config;
  std::string subject;   ///< a user, or a name that no user has
  std::string role;      ///< as grant_in() reads it; empty: the user's grants
  std::string site;      ///< empty: every one; of a user all that the role is granted for
  std::int64_t ttl = 0;  ///< seconds; 0: as at a login
};
/// Prints one access token, alone.
int token_issue(const TokenIssue& wanted, const Streams& streams);

struct TokenRevoke {
  std::string config;
  std::string token;  ///< "-": from standard input; empty: by id
  std::string id;     ///< `jti`
  std::string user;   ///< all of a user, who may be one that is not stored
};
/// Voids an access token, the login that a refresh token belongs to, or all that a user has.
int token_revoke(const TokenRevoke& wanted, const Streams& streams);

struct TokenInspect {
  std::string config;
  std::string token;
  bool json = false;
};
/// Header, claims, and what becomes of it here: whether it verifies and has been revoked. Neither
/// token nor signature is printed.
int token_inspect(const TokenInspect& wanted, const Streams& streams);

}  // namespace portcullis::commands

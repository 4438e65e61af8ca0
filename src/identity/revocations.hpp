#pragma once
#include <string_view>

#include "identity/accounts.hpp"
#include "state/revocation.hpp"

namespace portcullis::identity {

/// What credentials of this kind are revoked by in the state that nodes share.
inline state::Key revocation_key(RevocableKind kind, std::string_view id) {
  switch (kind) {
    case RevocableKind::token:
      return state::key_of("revoked-token", id);
    case RevocableKind::login:
      return state::key_of("revoked-login", id);
    case RevocableKind::user:
      break;
  }
  return state::key_of("revoked-user", id);
}

inline state::Revocation revocation_of(const RevokedCredentials& revoked) {
  return {revocation_key(revoked.kind, revoked.id), revoked.since, revoked.until};
}

}  // namespace portcullis::identity

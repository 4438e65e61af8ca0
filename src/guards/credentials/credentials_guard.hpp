#pragma once
#include <memory>
#include <vector>

#include "config/settings.hpp"
#include "identity/api_keys.hpp"
#include "identity/directory.hpp"
#include "identity/provider_tokens.hpp"
#include "identity/session_tokens.hpp"
#include "identity/user_tokens.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// What credentials are verified by. All of it outlives the guard.
struct CredentialParts {
  const identity::SessionTokens& sessions;
  const identity::UserTokens* users = nullptr;     ///< null: there are none
  identity::ProviderTokens* provider = nullptr;    ///< null: there is none
  const identity::ApiKeys* keys = nullptr;         ///< null: there are none
  const identity::Directory* directory = nullptr;  ///< of keys
  const std::vector<pipeline::Site>& sites;
};

/// Reads what the caller presents and checks signatures, nothing else: nobody is refused, and
/// nothing is waited for but keys of an OpenID provider that are not there yet. A credential that
/// does not verify leaves the caller anonymous and is noted. Until accounts have been read it
/// cannot decide about tokens and keys. See README.md.
std::unique_ptr<pipeline::Guard> make_credentials_guard(const config::Settings& settings,
                                                        const CredentialParts& parts);

}  // namespace portcullis::guards

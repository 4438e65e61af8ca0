#pragma once
#include <memory>

#include "config/settings.hpp"
#include "identity/session_tokens.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Reads what the caller presents and checks signatures, nothing else: no lookup, no refusal. A
/// credential that does not verify leaves the caller anonymous and is noted. See README.md.
std::unique_ptr<pipeline::Guard> make_credentials_guard(const config::Settings& settings,
                                                        const identity::SessionTokens& tokens);

}  // namespace portcullis::guards

#pragma once
#include <memory>

#include "config/settings.hpp"
#include "guards/rate/charges.hpp"
#include "identity/session_tokens.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Makes a session of what a body claims, on routes whose clients name their session themselves,
/// and charges the request to it. See README.md.
std::unique_ptr<pipeline::Guard> make_claim_guard(const config::Settings& settings,
                                                  const identity::SessionTokens& tokens,
                                                  const LimitParts& parts);

}  // namespace portcullis::guards

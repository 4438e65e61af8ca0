#pragma once
#include <memory>

#include "config/settings.hpp"
#include "identity/session_tokens.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// Makes a session of what a body claims, on routes whose clients name their session themselves,
/// and charges the request to it. See README.md.
std::unique_ptr<pipeline::Guard> make_claim_guard(const config::Settings& settings,
                                                  const identity::SessionTokens& tokens,
                                                  state::Store& store, state::BlockTable& blocks,
                                                  observe::Metrics& metrics);

}  // namespace portcullis::guards

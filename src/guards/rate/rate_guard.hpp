#pragma once
#include <memory>

#include "config/settings.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// Charges a request to every tier of its route class in one call of the state store, which also
/// tells how the caller's session stands. See README.md.
std::unique_ptr<pipeline::Guard> make_rate_guard(const config::Settings& settings,
                                                 state::Store& store, state::BlockTable& blocks,
                                                 observe::Metrics& metrics);

}  // namespace portcullis::guards

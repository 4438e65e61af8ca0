#pragma once
#include <memory>

#include "config/settings.hpp"
#include "pipeline/guard.hpp"
#include "state/block_table.hpp"

namespace portcullis::guards {

/// The refusal of a blocked address. `seconds`: how long the block lasts, where that is known.
pipeline::Verdict refuse_blocked(std::optional<std::int64_t> seconds, std::string why);

/// Whether the caller's session, by its token, is older than the block of the address and not over.
/// REQUIRES: the address is blocked.
bool is_from_before_block(const http::Exchange& exchange);

/// Refuses blocked addresses before anything else is looked at. See README.md.
/// @returns an error where the database of countries cannot be read.
Result<std::unique_ptr<pipeline::Guard>> make_blocks_guard(const config::Settings& settings,
                                                           const state::BlockTable& blocks);

}  // namespace portcullis::guards

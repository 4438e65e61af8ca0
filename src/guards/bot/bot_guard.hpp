#pragma once
#include <memory>

#include "guards/bot/trails.hpp"
#include "guards/rate/charges.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Slows machines down where people are expected, and refuses spam. See README.md.
///
/// `trails` must outlive the guard.
std::unique_ptr<pipeline::Guard> make_bot_guard(const config::Settings& settings, Trails& trails,
                                                const LimitParts& parts);

}  // namespace portcullis::guards

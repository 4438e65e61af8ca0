#pragma once
#include <memory>
#include <string_view>

#include "guards/bot/trails.hpp"
#include "guards/rate/charges.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Slows machines down where people are expected, and refuses spam. See README.md.
///
/// `secret`: what challenges are signed under. `trails` must outlive the guard.
std::unique_ptr<pipeline::Guard> make_bot_guard(const config::Settings& settings,
                                                std::string_view secret, Trails& trails,
                                                const LimitParts& parts);

}  // namespace portcullis::guards

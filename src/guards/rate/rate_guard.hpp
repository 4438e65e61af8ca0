#pragma once
#include <memory>

#include "config/settings.hpp"
#include "guards/rate/charges.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Charges a request to every tier of its route class in one call of the state store, which also
/// tells how the caller's session stands; before that, counts it among those under way. See
/// README.md.
std::unique_ptr<pipeline::Guard> make_rate_guard(const config::Settings& settings,
                                                 const LimitParts& parts);

}  // namespace portcullis::guards

#pragma once
#include <memory>

#include "guards/session/risk_response.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Lets only live sessions of this site and origin through to routes that need one, and judges who
/// presents them. See README.md.
std::unique_ptr<pipeline::Guard> make_session_guard(const config::Settings& settings,
                                                    const LimitParts& limits, SessionParts parts);

}  // namespace portcullis::guards

#pragma once
#include <memory>

#include "config/settings.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Refuses what is no valid request, methods that HTTP does not know, and plain http where https is
/// required. See README.md.
std::unique_ptr<pipeline::Guard> make_protocol_guard(const config::Settings& settings);

}  // namespace portcullis::guards

#pragma once
#include <memory>

#include "config/settings.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Refuses requests for hosts that are not ours: host header injection, cache poisoning, DNS
/// rebinding. See README.md.
std::unique_ptr<pipeline::Guard> make_host_guard(const config::Settings& settings);

}  // namespace portcullis::guards

#pragma once
#include <memory>
#include <vector>

#include "config/settings.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Decides whether the page that made the request may use the gateway, and which site it belongs
/// to. See README.md. `sites` must outlive the guard.
std::unique_ptr<pipeline::Guard> make_origin_guard(const config::Settings& settings,
                                                   const std::vector<pipeline::Site>& sites);

}  // namespace portcullis::guards

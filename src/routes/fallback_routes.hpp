#pragma once
#include <memory>

#include "config/settings.hpp"
#include "pipeline/pipeline.hpp"

namespace portcullis::routes {

/// Answers paths that are none of ours with 404, and wrong methods with 405 and Allow.
std::unique_ptr<pipeline::RouteHandler> make_not_found(const pipeline::Reporter& reporter,
                                                       const pipeline::RouteTable& table);

/// Answers CORS preflights (Fetch standard, section 3.2.2) and plain OPTIONS.
std::unique_ptr<pipeline::RouteHandler> make_preflight(const config::Settings& settings,
                                                       const pipeline::RouteTable& table);

}  // namespace portcullis::routes

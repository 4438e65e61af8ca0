#pragma once
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Reads the body within its limit, parses it strictly and checks the route's schema. See
/// README.md.
std::unique_ptr<pipeline::Guard> make_body_guard();

}  // namespace portcullis::guards

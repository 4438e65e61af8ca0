#pragma once
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Refuses what is no valid request and methods that are not supported. See README.md.
std::unique_ptr<pipeline::Guard> make_protocol_guard();

}  // namespace portcullis::guards

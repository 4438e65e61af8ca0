#pragma once
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Lets only live sessions of this site and origin through to routes that need one. See README.md.
std::unique_ptr<pipeline::Guard> make_session_guard();

}  // namespace portcullis::guards

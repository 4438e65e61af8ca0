#pragma once
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Whether the caller is somebody that the route is for: the one place where roles are looked at.
/// See README.md.
std::unique_ptr<pipeline::Guard> make_access_guard();

}  // namespace portcullis::guards

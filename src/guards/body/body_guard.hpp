#pragma once
#include <cstdint>
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Reads the body within its limit, parses it strictly and checks the route's schema. See
/// README.md.
/// All forms and packed bodies that are under way together may be `forms_total` bytes long.
std::unique_ptr<pipeline::Guard> make_body_guard(std::uint64_t forms_total);

}  // namespace portcullis::guards

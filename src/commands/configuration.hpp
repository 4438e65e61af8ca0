#pragma once
#include <iosfwd>

#include "config/loader.hpp"

namespace portcullis::commands {

/// Prints every error. @returns true where there are some.
bool print_errors(const config::Loaded& loaded, std::ostream& err);

}  // namespace portcullis::commands

#pragma once
#include <string>

#include "config/loader.hpp"

namespace portcullis::config {

/// docs/reference/configuration.md, generated from the table of settings.
std::string configuration_reference();

/// The effective configuration as `path: value` lines, secrets masked; where a value was set, its
/// line ends in `# set`.
std::string effective_configuration(const Loaded& loaded);

}  // namespace portcullis::config

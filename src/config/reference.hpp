#pragma once
#include <string>
#include <vector>

#include "config/loader.hpp"

namespace portcullis::config {

/// docs/reference/configuration.md, generated from the table of settings.
std::string configuration_reference();

/// Paths of the settings that differ and take effect only after a restart.
std::vector<std::string> changes_that_need_restart(const Settings& before, const Settings& after);

/// The effective configuration as `path: value` lines, secrets masked; where a value was set, its
/// line ends in `# set`.
std::string effective_configuration(const Loaded& loaded);

}  // namespace portcullis::config

#pragma once
#include "commands/command.hpp"

namespace CLI {
class App;
}

namespace portcullis::commands {

/// Adds `rules` to the command line. When it has been read `command` is what was asked for.
///
/// Ownership: `command` outlives `app`.
void add_rules_commands(CLI::App& app, Command& command);

}  // namespace portcullis::commands

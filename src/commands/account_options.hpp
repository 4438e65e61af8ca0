#pragma once
#include "commands/command.hpp"

namespace CLI {
class App;
}

namespace portcullis::commands {

/// Adds `user`, `token` and `key` to the command line. What can be judged without accounts, such as
/// the form of a name, is bad usage. When it has been read `command` is what was asked for.
///
/// Ownership: `command` outlives `app`.
void add_account_commands(CLI::App& app, Command& command);

}  // namespace portcullis::commands

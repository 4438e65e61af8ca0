#pragma once
#include <iosfwd>
#include <string>

#include "base/result.hpp"

namespace portcullis::commands {

/// The first line of `in` without its newline. What follows is left.
/// @returns invalid_input where there is none, or one of more than `max_bytes`.
Result<std::string> first_line(std::istream& in, std::size_t max_bytes = 4096);

/// Whether somebody sits at standard input.
bool is_terminal();

/// Asks for a new password twice, on standard error, and reads standard input, a terminal, without
/// showing what is typed. Whatever ends it, the terminal is as it was before.
/// @returns invalid_input where the two differ; cancelled at an interrupt or the end of input.
Result<std::string> ask_new_password();

}  // namespace portcullis::commands

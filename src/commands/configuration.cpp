#include "commands/configuration.hpp"

#include <ostream>

namespace portcullis::commands {

bool print_errors(const config::Loaded& loaded, std::ostream& err) {
  for (const auto& error : loaded.errors) err << "error: " << error.text() << "\n";
  if (!loaded.errors.empty()) err << loaded.errors.size() << " error(s); not started\n";
  return !loaded.errors.empty();
}

}  // namespace portcullis::commands

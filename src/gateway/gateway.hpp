#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/loader.hpp"

namespace portcullis::gateway {

/// The whole program: builds the parts from a configuration, owns the workers, reloads and shuts
/// down.
///
/// Threads:  make() and run() on the main thread, which waits for signals; workers serve.
/// Shutdown: stop accepting → streams and requests finish (at most server.drain_timeout) → cancel →
/// stop.
class Gateway {
 public:
  /// @returns what keeps it from starting: an address in use, an upstream that cannot be used.
  static Result<std::unique_ptr<Gateway>> make(config::Loaded loaded, config::Sources sources);
  ~Gateway();

  /// Serves until SIGTERM or SIGINT; SIGHUP reloads. Returns the exit status.
  int run();

 private:
  class Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The route table of a configuration as text, for `check-config`, and problems with it.
std::string describe_routes(const config::Settings& settings, std::vector<std::string>& problems);

/// Version of the program.
std::string_view version() noexcept;

}  // namespace portcullis::gateway

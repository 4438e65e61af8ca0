#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace portcullis::config {

/// Where configuration comes from. Environment names are looked up through a function, so that
/// tests bring their own.
struct Sources {
  std::string file;  ///< path; empty: none
  std::function<std::optional<std::string>(const std::string& name)> environment;
  /// All that there are, in upper case; without it nobody is told of a misspelt one.
  std::function<std::vector<std::string>()> names;

  /// The process environment. Names are matched in upper case first, then as `name` in lower case.
  static Sources from_process(std::string file);
};

/// A problem with its place: `portcullis.yaml:12:3 server.port: 99999 is not a port`.
struct Problem {
  std::string place;
  std::string message;
  std::string text() const { return place + ": " + message; }
};

struct Loaded {
  Settings settings;
  std::vector<Problem> errors;     ///< not empty: do not start
  std::vector<Problem> warnings;   ///< worth saying at every start
  std::vector<std::string> notes;  ///< what was decided and why
  std::vector<std::string> set;    ///< paths of the settings that somebody set
};

/// Reads file and environment (which wins), applies the profile, checks everything and reports
/// every problem at once. Never throws; makes the development secrets where they are missing.
Loaded load(const Sources& sources);

}  // namespace portcullis::config

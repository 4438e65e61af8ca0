#pragma once
#include <string>
#include <vector>

#include "config/loader.hpp"
#include "config/setting.hpp"

namespace portcullis::config {

/// A scalar or list that the file sets, with the place where it stands.
struct FileValue {
  std::string path;
  RawValue raw;
  std::string place;
};

/// What a configuration file says, before any of it is believed.
struct FileContent {
  std::vector<FileValue> values;
  std::vector<SiteSettings> sites;
  Texts texts;  ///< of the default site
  std::vector<ServiceSettings> services;
  std::vector<RouteSettings> routes;
  std::vector<Problem> errors;
};

/// Reads YAML. Unknown keys, duplicate keys, wrong types and syntax errors all become problems.
FileContent read_yaml_file(const std::string& file);
/// The same from text; `name` stands in the places.
FileContent parse_yaml(const std::string& text, const std::string& name);

}  // namespace portcullis::config

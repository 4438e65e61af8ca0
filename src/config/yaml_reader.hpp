#pragma once
#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_file.hpp"

namespace portcullis::config {

/// What the parts of a configuration file are read with: values of a kind, and errors with their
/// places.
///
/// Ownership: the content outlives it.
class YamlReader {
 public:
  /// `name`: of the file, for places.
  YamlReader(FileContent& out, std::string name) : out_(out), name_(std::move(name)) {}

 protected:
  std::string place(const YAML::Node& node) const;
  /// The path of a key; at the top it is the key.
  static std::string below(std::string path, const std::string& key);
  void error(const YAML::Node& node, const std::string& path, const std::string& message);

  std::optional<RawValue> raw_value(const YAML::Node& node, const std::string& path);
  /// Walks the keys of one entry of a list of mappings; `take` returns false for an unknown key.
  template <class Take>
  void read_entry(const YAML::Node& node, const std::string& path, Take take) {
    if (!node.IsMap()) return error(node, path, "a mapping is expected");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (!seen.insert(key).second) {
        error(entry.first, below(path, key), "is set twice");
      } else if (!take(key, entry.second)) {
        error(entry.first, below(path, key), "is no setting");
      }
    }
  }

  std::string text_of(const YAML::Node& node, const std::string& path);
  std::optional<std::int64_t> read_number(const YAML::Node& node, const std::string& path,
                                          std::int64_t least, std::int64_t most);
  bool read_flag(const YAML::Node& node, const std::string& path);
  Milliseconds read_duration(const YAML::Node& node, const std::string& path, Milliseconds least,
                             Milliseconds most);
  /// A value or several; each must be without a fault.
  std::vector<std::string> read_texts_of(const YAML::Node& node, const std::string& path,
                                         std::size_t most,
                                         std::optional<std::string> (*fault)(std::string_view));
  /// Language, then error code, then text. Whether a code exists is the gateway's to say.
  void read_texts(const YAML::Node& node, const std::string& path, Texts& texts);
  /// A file that is named here, as the program finds it.
  std::string beside_this_file(const std::string& file) const;

  FileContent& out_;
  const std::string name_;
};

/// The lists of a file, each in a source file of its own.
void read_sites(FileContent& out, const std::string& name, const YAML::Node& node);
void read_services(FileContent& out, const std::string& name, const YAML::Node& node);
void read_routes(FileContent& out, const std::string& name, const YAML::Node& node);

}  // namespace portcullis::config

#include "config/yaml_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "config/spelling.hpp"
#include "config/yaml_reader.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr int kMaxDepth = 16;

class FileReader final : public YamlReader {
 public:
  using YamlReader::YamlReader;

  void read_root(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return error(root, "", "the file must be a mapping of settings");
    read_map(root, "", 0);
  }

 private:
  void read_map(const YAML::Node& map, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return error(map, prefix, "nested too deeply");
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) {
        error(entry.first, prefix, "a key must be a plain word");
        continue;
      }
      const std::string key = entry.first.Scalar();
      const std::string path = below(prefix, key);
      if (!seen.insert(key).second) {
        error(entry.first, path, "is set twice");
        continue;
      }
      if (path == "sites") {
        read_sites(out_, name_, entry.second);
      } else if (path == "texts") {
        read_texts(entry.second, path, out_.texts);
      } else if (path == "services") {
        read_services(out_, name_, entry.second);
      } else if (path == "routes") {
        read_routes(out_, name_, entry.second);
      } else if (find_setting(path) != nullptr) {
        read_value(entry.second, path);
      } else if (entry.second.IsMap() && is_group(path)) {
        read_map(entry.second, path, depth + 1);
      } else {
        error(entry.first, path, "is no setting" + suggestion(path));
      }
    }
  }

  static bool is_group(const std::string& path) {
    return std::ranges::any_of(settings_table(),
                               [&](const Setting& s) { return s.path.starts_with(path + "."); });
  }

  static std::string suggestion(std::string_view path) {
    std::vector<std::string_view> known;
    for (const auto& setting : settings_table()) known.push_back(setting.path);
    const auto nearest = nearest_name(path, known, 3);
    return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
  }

  void read_value(const YAML::Node& node, const std::string& path) {
    if (auto raw = raw_value(node, path)) {
      out_.values.push_back({path, *std::move(raw), place(node) + " " + path});
    }
  }
};

}  // namespace

FileContent parse_yaml(const std::string& text, const std::string& name) {
  FileContent out;
  if (text.size() > kMaxFileBytes) {
    out.errors.push_back({name, "is larger than 1 MiB"});
    return out;
  }
  try {
    FileReader(out, name).read_root(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    const auto line = error.mark.line < 0 ? ""
                                          : ":" + std::to_string(error.mark.line + 1) + ":" +
                                                std::to_string(error.mark.column + 1);
    out.errors.push_back({name + line, "is no valid YAML: " + error.msg});
  }
  return out;
}

FileContent read_yaml_file(const std::string& file) {
  FileContent out;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    out.errors.push_back({file, "cannot be read"});
    return out;
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    out.errors.push_back({file, "cannot be read"});
    return out;
  }
  return parse_yaml(std::string(std::istreambuf_iterator<char>(in), {}), file);
}

}  // namespace portcullis::config

#include "rule_source.hpp"

#include <hs/hs_compile.h>
#include <hs/hs_runtime.h>

#include <algorithm>
#include <cstdlib>

namespace portcullis::rules {
namespace {

constexpr std::size_t kFewestTexts = 2;  ///< of each kind

}  // namespace

void refuse(const fs::path& file, const std::string& what) {
  throw std::runtime_error(file.string() + ": " + what);
}

YAML::Node read_yaml(const fs::path& file, std::initializer_list<std::string_view> members,
                     Source& rule) {
  YAML::Node node = YAML::LoadFile(file.string());
  for (const auto& member : node) {
    const auto key = member.first.as<std::string>();
    const bool is_common = key == "id" || key == "reason" || key == "patterns";
    if (!is_common && std::ranges::find(members, key) == members.end()) {
      refuse(file, "unknown member " + key);
    }
  }
  rule.id = node["id"].as<std::string>();
  if (rule.id != file.stem().string()) refuse(file, "the id must be the name of the file");
  rule.reason = node["reason"].as<std::string>();
  for (const auto& pattern : node["patterns"]) rule.patterns.push_back(pattern.as<std::string>());
  return node;
}

void read_texts(const fs::path& file, Source& rule) {
  std::ifstream in(file);
  if (!in) refuse(file, "is missing: each rule has texts that it must match and must pass");
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.size() < 3 || line[1] != ' ' || (line[0] != '+' && line[0] != '-')) {
      refuse(file, "line " + std::to_string(number) + " begins neither with '+ ' nor with '- '");
    }
    (line[0] == '+' ? rule.must_match : rule.must_pass).push_back(line.substr(2));
  }
  if (rule.must_match.size() < kFewestTexts || rule.must_pass.size() < kFewestTexts) {
    refuse(file, "needs at least two texts of each kind");
  }
}

std::vector<fs::path> rule_files(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string literal(const std::string& text) {
  std::string out = "{\"";
  char escape[8];
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '?') {
      std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned char>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\", " + std::to_string(text.size()) + "}";
}

std::string list_of(const std::vector<std::string>& texts, const std::string& name) {
  std::string out = "constexpr std::string_view " + name + "[] = {";
  for (const auto& text : texts) out += "\n    " + literal(text) + ",";
  return out + "};\n";
}

void write(const char* file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error(std::string(file) + ": cannot be written");
}

std::string database_of(const std::vector<const Source*>& rules, unsigned flags) {
  std::vector<const char*> patterns;
  std::vector<const Source*> owners;
  for (const auto* rule : rules) {
    for (const auto& pattern : rule->patterns) {
      patterns.push_back(pattern.c_str());
      owners.push_back(rule);
    }
  }
  const std::vector<unsigned> all_flags(patterns.size(), flags);
  std::vector<unsigned> ids(patterns.size());
  for (unsigned i = 0; i < ids.size(); ++i) ids[i] = i;
  hs_platform_info_t platform{};
  platform.tune = HS_TUNE_FAMILY_GENERIC;
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(patterns.data(), all_flags.data(), ids.data(),
                       static_cast<unsigned>(patterns.size()), HS_MODE_BLOCK, &platform, &database,
                       &error) != HS_SUCCESS) {
    const std::string where =
        error->expression < 0 ? "" : owners[static_cast<std::size_t>(error->expression)]->id + ": ";
    throw std::runtime_error(where + error->message);
  }
  char* bytes = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database, &bytes, &size) != HS_SUCCESS) {
    throw std::runtime_error("the database cannot be serialised");
  }
  std::string out(bytes, size);
  std::free(bytes);
  hs_free_database(database);
  return out;
}

}  // namespace portcullis::rules

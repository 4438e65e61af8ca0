// Compiles rules/ into what the program embeds: a table of rules and a serialised Vectorscan
// database. Runs at build time. Usage: compile_rules RULES_FOLDER OUT_TABLE OUT_DATABASE
//
// The database is made for the generic platform of its architecture, so it loads on every
// processor that Vectorscan runs on.

#include <hs/hs_compile.h>
#include <hs/hs_runtime.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "detect/attack_class.hpp"
#include "detect/finding.hpp"
#include "detect/signals.hpp"

namespace {

namespace fs = std::filesystem;
namespace detect = portcullis::detect;

constexpr int kHighestScore = 10;
constexpr std::size_t kFewestTexts = 2;  ///< of each kind

struct Source {
  std::string id;
  std::size_t cls = 0;
  int score[detect::kFields]{};
  std::string reason;
  std::string tokenizer;
  std::vector<std::string> patterns;
  std::vector<std::string> must_match;
  std::vector<std::string> must_pass;
};

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw std::runtime_error(file.string() + ": " + what);
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

Source read_rule(const fs::path& file) {
  const YAML::Node node = YAML::LoadFile(file.string());
  for (const auto& member : node) {
    const auto key = member.first.as<std::string>();
    constexpr std::string_view kKeys[] = {"id",     "class",     "score",
                                          "reason", "tokenizer", "patterns"};
    if (std::ranges::find(kKeys, key) == std::end(kKeys)) refuse(file, "unknown member " + key);
  }
  Source rule;
  rule.id = node["id"].as<std::string>();
  if (rule.id != file.stem().string()) refuse(file, "the id must be the name of the file");
  const auto cls = detect::attack_class_of(node["class"].as<std::string>());
  if (!cls) refuse(file, "unknown class");
  rule.cls = static_cast<std::size_t>(*cls);
  for (const auto& member : node["score"]) {
    const auto field = member.first.as<std::string>();
    if (field != "prose" && field != "structure") refuse(file, "unknown field " + field);
    const int score = member.second.as<int>();
    if (score < 0 || score > kHighestScore) refuse(file, "a score is 0 to 10");
    rule.score[field == "prose" ? 0 : 1] = score;
  }
  if (rule.score[0] + rule.score[1] == 0) refuse(file, "scores nowhere");
  rule.reason = node["reason"].as<std::string>();
  if (node["tokenizer"]) rule.tokenizer = node["tokenizer"].as<std::string>();
  for (const auto& pattern : node["patterns"]) rule.patterns.push_back(pattern.as<std::string>());
  if (rule.tokenizer.empty() == rule.patterns.empty()) {
    refuse(file, "has either patterns or a tokenizer");
  }
  if (!rule.tokenizer.empty() && !detect::signal_of(rule.tokenizer)) {
    refuse(file, "unknown tokenizer " + rule.tokenizer);
  }
  read_texts(fs::path(file).replace_extension(".txt"), rule);
  return rule;
}

/// A C++ string literal of exactly these bytes.
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

std::string table_of(const std::vector<Source>& rules) {
  std::string lists;
  std::string rows;
  std::string owners;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const std::string n = std::to_string(i);
    lists += list_of(rule.must_match, "kMatch" + n) + list_of(rule.must_pass, "kPass" + n);
    rows += "    {" + literal(rule.id) + ", static_cast<AttackClass>(" + std::to_string(rule.cls) +
            "), {" + std::to_string(rule.score[0]) + ", " + std::to_string(rule.score[1]) + "}, " +
            literal(rule.reason) + ", " +
            (rule.tokenizer.empty() ? "std::nullopt" : "Signal::" + rule.tokenizer) + ", kMatch" +
            n + ", kPass" + n + "},\n";
    for (std::size_t p = 0; p < rule.patterns.size(); ++p) owners.append(n).append(", ");
  }
  return "// Generated from rules/ by rules/compile.cpp.\n#include \"detect/rule.hpp\"\n\n"
         "extern \"C\" const char portcullis_rule_database[];\n"
         "extern \"C\" const char portcullis_rule_database_end[];\n\n"
         "namespace portcullis::detect {\nnamespace {\n\n" +
         lists + "constexpr Rule kRules[] = {\n" + rows +
         "};\nconstexpr std::uint16_t kPatternRules[] = {" + owners +
         "};\n\n}  // namespace\n\nRulePack embedded_rules() {\n"
         "  return {kRules, kPatternRules, {portcullis_rule_database, "
         "portcullis_rule_database_end}};"
         "\n}\n\n}  // namespace portcullis::detect\n";
}

/// Compiles all patterns; the error names the rule.
std::string database_of(const std::vector<Source>& rules) {
  std::vector<const char*> patterns;
  std::vector<const Source*> owners;
  for (const auto& rule : rules) {
    for (const auto& pattern : rule.patterns) {
      patterns.push_back(pattern.c_str());
      owners.push_back(&rule);
    }
  }
  const std::vector<unsigned> flags(patterns.size(),
                                    HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL);
  std::vector<unsigned> ids(patterns.size());
  for (unsigned i = 0; i < ids.size(); ++i) ids[i] = i;
  hs_platform_info_t platform{};
  platform.tune = HS_TUNE_FAMILY_GENERIC;
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(patterns.data(), flags.data(), ids.data(),
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

void write(const char* file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error(std::string(file) + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: compile_rules RULES_FOLDER OUT_TABLE OUT_DATABASE\n";
    return 2;
  }
  try {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::vector<Source> rules;
    rules.reserve(files.size());
    for (const auto& file : files) rules.push_back(read_rule(file));
    if (rules.size() > detect::kMaxRules) throw std::runtime_error("there are too many rules");
    write(argv[3], database_of(rules));
    write(argv[2], table_of(rules));
  } catch (const std::exception& error) {
    std::cerr << "compile_rules: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

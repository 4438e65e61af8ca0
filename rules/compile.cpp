// Compiles rules/ into what the program embeds: a table of rules and a serialised Vectorscan
// database. Runs at build time. Usage: compile_rules RULES_FOLDER OUT_TABLE OUT_DATABASE

#include <hs/hs_compile.h>

#include <algorithm>
#include <iostream>

#include "detect/attack_class.hpp"
#include "detect/finding.hpp"
#include "detect/signals.hpp"
#include "rule_source.hpp"

namespace {

using namespace portcullis::rules;  // NOLINT(google-build-using-namespace)
namespace detect = portcullis::detect;

constexpr int kHighestScore = 10;

struct AttackSource : Source {
  std::size_t cls = 0;
  int score[detect::kFields]{};
  std::string tokenizer;
};

AttackSource read_rule(const fs::path& file) {
  AttackSource rule;
  const auto node = read_yaml(file, {"class", "score", "tokenizer"}, rule);
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
  if (node["tokenizer"]) rule.tokenizer = node["tokenizer"].as<std::string>();
  if (rule.tokenizer.empty() == rule.patterns.empty()) {
    refuse(file, "has either patterns or a tokenizer");
  }
  if (!rule.tokenizer.empty() && !detect::signal_of(rule.tokenizer)) {
    refuse(file, "unknown tokenizer " + rule.tokenizer);
  }
  read_texts(fs::path(file).replace_extension(".txt"), rule);
  return rule;
}

std::string table_of(const std::vector<AttackSource>& rules) {
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: compile_rules RULES_FOLDER OUT_TABLE OUT_DATABASE\n";
    return 2;
  }
  try {
    std::vector<AttackSource> rules;
    for (const auto& file : rule_files(argv[1])) rules.push_back(read_rule(file));
    if (rules.size() > detect::kMaxRules) throw std::runtime_error("there are too many rules");
    std::vector<const Source*> sources;
    for (const auto& rule : rules) sources.push_back(&rule);
    write(argv[3], database_of(sources, HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL));
    write(argv[2], table_of(rules));
  } catch (const std::exception& error) {
    std::cerr << "compile_rules: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

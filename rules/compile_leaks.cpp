// Compiles rules/leaks/ into what the program embeds: a table of the rules of answers and a
// serialised Vectorscan database. Runs at build time.
// Usage: compile_leaks RULES_FOLDER OUT_TABLE OUT_DATABASE

#include <hs/hs_compile.h>

#include <cstdlib>
#include <iostream>
#include <optional>

#include "detect/leak_rule.hpp"
#include "rule_source.hpp"

namespace {

using namespace portcullis::rules;  // NOLINT(google-build-using-namespace)
namespace detect = portcullis::detect;

struct LeakSource : Source {
  std::string kind;
  std::string tail;
  std::vector<unsigned> widths;  ///< of its patterns; 0: they belong to a rule of lines
};

/// `<36>` stands for so many made-up characters: no text of ours looks like a key to anybody.
std::string with_fillers(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto end = text.find('>', at);
    const bool is_filler = text[at] == '<' && end != std::string::npos && end > at + 1 &&
                           text.find_first_not_of("0123456789", at + 1) == end;
    if (!is_filler) {
      out += text[at];
      continue;
    }
    const auto count = std::stoul(text.substr(at + 1, end - at - 1));
    for (std::size_t i = 0; i < count; ++i) out += "A1B2C3D4E5F6G7H8"[i % 16];
    at = end;
  }
  return out;
}

/// How frameworks write a character that has a meaning in JSON, markup or a script.
std::string_view escapes_of(char c) {
  switch (c) {
    case '"':
      return R"((?:\\{0,3}"|\\{1,3}u0022|&quot;|&#0?34;|&#[xX]22;))";
    case '\'':
      return R"((?:\\{0,3}'|\\{1,3}u0027|&apos;|&#0?39;|&#[xX]27;))";
    case '/':
      return R"((?:\\{0,3}/|\\{1,3}u002[fF]|&#0?47;|&#[xX]2[fF];))";
    case '<':
      return R"((?:<|\\{1,3}u003[cC]|&lt;|&#0?60;))";
    case '>':
      return R"((?:>|\\{1,3}u003[eE]|&gt;|&#0?62;))";
    default:
      return {};
  }
}

/// Behind an escape a word begins, though the escape ends in a letter or digit; and what stands
/// outside of classes may be escaped itself.
std::string with_escapes(const std::string& pattern) {
  std::string out;
  std::size_t at = 0;
  if (pattern.starts_with("\\b")) {
    out = R"((?:\b|\\[nrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}))";
    at = 2;
  }
  bool in_class = false;
  for (; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const auto escapes = in_class ? std::string_view() : escapes_of(c);
    if (escapes.empty()) {
      out += c;
    } else {
      out += escapes;
    }
    if (c == '\\' && at + 1 < pattern.size()) out += pattern[++at];
    if (c == '[' || c == ']') in_class = c == '[';
  }
  return out;
}

/// The width of a pattern, which is bounded; one width for all that it matches, where `exact`.
unsigned width_of(const std::filesystem::path& file, const std::string& pattern, bool exact) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(pattern.c_str(), 0, &info, &error) != HS_SUCCESS) {
    refuse(file, error->message);
  }
  const unsigned least = info->min_width;
  const unsigned most = info->max_width;
  std::free(info);
  if (most > detect::kLongestLeakPattern) {
    refuse(file, "a pattern matches more than " + std::to_string(detect::kLongestLeakPattern) +
                     " bytes: " + pattern);
  }
  if (exact && least != most) {
    refuse(file, "a pattern of a token must match one length: " + pattern);
  }
  return most;
}

LeakSource read_rule(const std::filesystem::path& file) {
  LeakSource rule;
  const auto node = read_yaml(file, {"kind", "tail"}, rule);
  rule.kind = node["kind"].as<std::string>();
  if (rule.kind != "token" && rule.kind != "line") refuse(file, "unknown kind " + rule.kind);
  const bool is_token = rule.kind == "token";
  rule.tail = node["tail"] ? node["tail"].as<std::string>() : is_token ? "none" : "line";
  const bool known = is_token ? rule.tail == "none" || rule.tail == "token" || rule.tail == "pem"
                              : rule.tail == "line" || rule.tail == "two_lines";
  if (!known) refuse(file, "a rule of this kind has no such tail: " + rule.tail);
  if (rule.patterns.empty()) refuse(file, "has no patterns");
  for (auto& pattern : rule.patterns) {
    if (!is_token) pattern = with_escapes(pattern);
    const unsigned width = width_of(file, pattern, is_token);
    rule.widths.push_back(is_token ? width : 0);
  }
  auto texts = file;
  read_texts(texts.replace_extension(".txt"), rule);
  for (auto* list : {&rule.must_match, &rule.must_pass}) {
    for (auto& text : *list) text = with_fillers(text);
  }
  return rule;
}

std::string table_of(const std::vector<LeakSource>& rules) {
  std::string lists;
  std::string rows;
  std::string patterns;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const std::string n = std::to_string(i);
    lists += list_of(rule.must_match, "kMatch" + n) + list_of(rule.must_pass, "kPass" + n);
    rows += "    {" + literal(rule.id) + ", LeakTail::" + rule.tail + ", " + literal(rule.reason) +
            ", kMatch" + n + ", kPass" + n + "},\n";
    for (const unsigned width : rule.widths) {
      patterns += "    {" + n + ", " + std::to_string(width) + "},\n";
    }
  }
  return "// Generated from rules/leaks/ by rules/compile_leaks.cpp.\n"
         "#include \"detect/leak_rule.hpp\"\n\n"
         "extern \"C\" const char portcullis_leak_database[];\n"
         "extern \"C\" const char portcullis_leak_database_end[];\n\n"
         "namespace portcullis::detect {\nnamespace {\n\n" +
         lists + "constexpr LeakRule kRules[] = {\n" + rows +
         "};\nconstexpr LeakPattern kPatterns[] = {\n" + patterns +
         "};\n\n}  // namespace\n\nLeakPack embedded_leak_rules() {\n"
         "  return {kRules, kPatterns, {portcullis_leak_database, "
         "portcullis_leak_database_end}};\n}\n\n}  // namespace portcullis::detect\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: compile_leaks RULES_FOLDER OUT_TABLE OUT_DATABASE\n";
    return 2;
  }
  try {
    std::vector<LeakSource> rules;
    for (const auto& file : rule_files(argv[1])) rules.push_back(read_rule(file));
    if (rules.size() > detect::kMaxRules) throw std::runtime_error("there are too many rules");
    std::vector<const Source*> sources;
    for (const auto& rule : rules) sources.push_back(&rule);
    write(argv[3], database_of(sources, 0));
    write(argv[2], table_of(rules));
  } catch (const std::exception& error) {
    std::cerr << "compile_leaks: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

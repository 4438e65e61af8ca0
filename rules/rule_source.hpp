#pragma once
#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What the compilers of rules share: files of rules in, tables in C++ out.
namespace portcullis::rules {

namespace fs = std::filesystem;

/// What every file of a rule has.
struct Source {
  std::string id;
  std::string reason;
  std::vector<std::string> patterns;
  std::vector<std::string> must_match;
  std::vector<std::string> must_pass;
};

[[noreturn]] void refuse(const fs::path& file, const std::string& what);

/// The YAML of a rule, which has no other members than these and those of a Source.
YAML::Node read_yaml(const fs::path& file, std::initializer_list<std::string_view> members,
                     Source& rule);
/// The texts beside a rule, at least two of each kind.
void read_texts(const fs::path& file, Source& rule);
std::vector<fs::path> rule_files(const fs::path& folder);

/// A C++ string literal of exactly these bytes, with its length.
std::string literal(const std::string& text);
/// An array of string views of this name.
std::string list_of(const std::vector<std::string>& texts, const std::string& name);
void write(const char* file, const std::string& bytes);

/// Compiles all patterns for the generic processor of the architecture, so that the database loads
/// on every one that Vectorscan runs on. @throws with the rule's name.
std::string database_of(const std::vector<const Source*>& rules, unsigned flags);

}  // namespace portcullis::rules

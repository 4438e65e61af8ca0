#include "config/yaml_reader.hpp"

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "config/setting_types.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kMaxLanguages = 32;
constexpr std::size_t kMaxTextBytes = 500;

}  // namespace

std::string YamlReader::place(const YAML::Node& node) const {
  const auto mark = node.Mark();
  if (mark.line < 0) return name_;
  return name_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

std::string YamlReader::below(std::string path, const std::string& key) {
  if (!path.empty()) path += '.';
  return path += key;
}

void YamlReader::error(const YAML::Node& node, const std::string& path,
                       const std::string& message) {
  out_.errors.push_back({place(node) + (path.empty() ? "" : " " + path), message});
}

std::optional<RawValue> YamlReader::raw_value(const YAML::Node& node, const std::string& path) {
  RawValue raw;
  if (node.IsScalar()) {
    raw.items.push_back(node.Scalar());
    return raw;
  }
  if (node.IsNull()) {
    raw.items.emplace_back();
    return raw;
  }
  if (node.IsSequence()) {
    raw.is_list = true;
    for (const auto& item : node) {
      if (!item.IsScalar()) {
        error(item, path, "a list may hold plain values only");
        return std::nullopt;
      }
      raw.items.push_back(item.Scalar());
    }
    return raw;
  }
  error(node, path, "a value is expected, not a mapping");
  return std::nullopt;
}

std::string YamlReader::text_of(const YAML::Node& node, const std::string& path) {
  if (node.IsScalar()) return node.Scalar();
  error(node, path, "one value is expected");
  return {};
}

std::optional<std::int64_t> YamlReader::read_number(const YAML::Node& node, const std::string& path,
                                                    std::int64_t least, std::int64_t most) {
  if (!node.IsScalar()) {
    error(node, path, "one value is expected");
    return std::nullopt;
  }
  const auto number = text::parse_number<std::int64_t>(node.Scalar());
  if (number && *number >= least && *number <= most) return number;
  error(node, path,
        "'" + node.Scalar() + "' is no number from " + std::to_string(least) + " to " +
            std::to_string(most));
  return std::nullopt;
}

bool YamlReader::read_flag(const YAML::Node& node, const std::string& path) {
  const auto flag = text_of(node, path);
  if (flag != "true" && flag != "false") error(node, path, "true or false is expected");
  return flag != "false";
}

Milliseconds YamlReader::read_duration(const YAML::Node& node, const std::string& path,
                                       Milliseconds least, Milliseconds most) {
  const auto value = types::parse_duration(text_of(node, path), Milliseconds{1});
  if (!value) {
    error(node, path, value.error());
  } else if (*value < least || *value > most) {
    error(node, path, "from " + types::show_duration(least) + " to " + types::show_duration(most));
  }
  return value.value_or(least);
}

std::vector<std::string> YamlReader::read_texts_of(
    const YAML::Node& node, const std::string& path, std::size_t most,
    std::optional<std::string> (*fault)(std::string_view)) {
  auto raw = raw_value(node, path);
  if (!raw) return {};
  if (raw->items.size() > most) {
    error(node, path, "has more than " + std::to_string(most) + " entries");
  }
  for (const auto& item : raw->items) {
    if (const auto wrong = fault(item)) error(node, path, *wrong);
  }
  return std::move(raw->items);
}

void YamlReader::read_texts(const YAML::Node& node, const std::string& path, Texts& texts) {
  read_entry(node, path, [&](const std::string& language, const YAML::Node& codes) {
    if (texts.size() == kMaxLanguages) {
      error(codes, path, "has more than 32 languages");
      return true;
    }
    auto& of_language = texts[text::to_lower(language)];
    read_entry(codes, below(path, language), [&](const std::string& code, const YAML::Node& value) {
      const std::string place = below(below(path, language), code);
      std::string words = text_of(value, place);
      if (words.empty() || words.size() > kMaxTextBytes || !text::is_utf8(words)) {
        error(value, place, "1 to 500 bytes of UTF-8 text are expected");
      }
      of_language.emplace(code, std::move(words));
      return true;
    });
    return true;
  });
}

std::string YamlReader::beside_this_file(const std::string& file) const {
  return (std::filesystem::path(name_).parent_path() / file).string();
}

}  // namespace portcullis::config

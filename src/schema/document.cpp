#include "schema/document.hpp"

#include <yaml-cpp/yaml.h>

#include <fstream>

#include "base/text.hpp"
#include "http/json_body.hpp"

namespace portcullis::schema {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 64;

/// Of YAML 1.2's core schema what JSON has too.
bool is_json_scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() != "?") return false;  // it was quoted, or has a tag
  if (text == "true" || text == "false" || text == "null") return true;
  return !text.empty() && (text.front() == '-' || text::is_digit(text.front())) &&
         http::parse_json(text).has_value();
}

/// @returns false where it is too much, as anchors can make it.
// NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxDepth.
bool append_json(std::string& out, const YAML::Node& node, int depth) {
  if (out.size() > kMaxBytes || depth > kMaxDepth) return false;
  if (node.IsSequence()) {
    out += '[';
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i > 0) out += ',';
      if (!append_json(out, node[i], depth + 1)) return false;
    }
    out += ']';
  } else if (node.IsMap()) {
    out += '{';
    for (bool first = true; const auto& entry : node) {
      if (!std::exchange(first, false)) out += ',';
      if (!entry.first.IsScalar()) return false;
      text::append_json_string(out, entry.first.Scalar());
      out += ':';
      if (!append_json(out, entry.second, depth + 1)) return false;
    }
    out += '}';
  } else if (node.IsNull()) {
    out += "null";
  } else if (is_json_scalar(node)) {
    out += node.Scalar();
  } else {
    text::append_json_string(out, node.Scalar());
  }
  return true;
}

}  // namespace

Result<std::string> json_of_yaml(const std::string& yaml) {
  try {
    std::string out;
    if (append_json(out, YAML::Load(yaml), 0)) return out;
    return fail(ErrorCode::invalid_input, "is nested too deeply, too long, or has odd keys");
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::malformed, "is no valid YAML (" + std::to_string(error.mark.line + 1) +
                                          ":" + std::to_string(error.mark.column + 1) +
                                          "): " + error.msg);
  }
}

Result<std::string> read_document(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string content(kMaxBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!in && !in.eof()) return fail(ErrorCode::not_found, "cannot be read");
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kMaxBytes) return fail(ErrorCode::too_large, "is larger than 1 MiB");
  return content;
}

}  // namespace portcullis::schema

#include "routes/n8n/metadata.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"

namespace portcullis::routes {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 4;
constexpr std::size_t kMaxKeys = 50;
constexpr std::size_t kMaxKeyBytes = 64;
constexpr std::string_view kMeaningful[] = {"__proto__", "constructor", "prototype"};

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::ranges::find(kMeaningful, key) == std::end(kMeaningful) &&
         std::ranges::all_of(
             key, [](char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool fits(const json::value& value, int depth, std::size_t& keys) {
  if (value.is_array()) {
    return depth < kMaxDepth &&
           std::ranges::all_of(
               value.get_array(),
               [&](const json::value& item) { return fits(item, depth + 1, keys); });
  }
  if (value.is_string()) {
    return std::string_view(value.get_string()).find('\0') == std::string_view::npos;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return true;
  keys += object->size();
  return depth < kMaxDepth && keys <= kMaxKeys &&
         std::ranges::all_of(
             *object,
             [&](const auto& member) {
               return is_key({member.key().data(), member.key().size()}) &&
                      fits(member.value(), depth + 1, keys);
             });
}

}  // namespace

std::optional<std::string> metadata_fault(const json::value& metadata, std::size_t max_bytes) {
  if (!metadata.is_object()) return "The metadata must be an object.";
  if (json::serialize(metadata).size() > max_bytes) {
    return "The metadata is longer than " + std::to_string(max_bytes) + " bytes.";
  }
  std::size_t keys = 0;
  if (!fits(metadata, 0, keys)) return "The metadata has a form that is not passed on.";
  return std::nullopt;
}

}  // namespace portcullis::routes

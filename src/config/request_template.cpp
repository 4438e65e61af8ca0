#include "config/request_template.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"

namespace portcullis::config {
namespace {

namespace json = boost::json;
using Slot = RequestTemplate::Slot;

constexpr std::size_t kLongestTemplate = 64 * 1024;
constexpr std::size_t kDeepestTemplate = 32;  // bounds the recursion below

struct Name {
  std::string_view text;
  Slot slot;
};
constexpr Name kNames[] = {{"message", Slot::message},       {"message_id", Slot::message_id},
                           {"session_id", Slot::session_id}, {"origin_domain", Slot::origin_domain},
                           {"page_url", Slot::page_url},     {"user_id", Slot::user_id},
                           {"history", Slot::history}};

/// A visitor must not choose the names of members: that could give one a second value.
bool has_placeholder_in_name(const json::value& value) {
  if (const auto* array = value.if_array()) {
    return std::ranges::any_of(*array, has_placeholder_in_name);
  }
  const auto* object = value.if_object();
  return object != nullptr && std::ranges::any_of(*object, [](const auto& member) {
           return member.key().find("{{") != json::string_view::npos ||
                  has_placeholder_in_name(member.value());
         });
}

}  // namespace

std::expected<RequestTemplate, std::string> RequestTemplate::parse(std::string_view text) {
  if (text.size() > kLongestTemplate) return std::unexpected("is longer than 64 KiB");
  json::error_code error;
  json::parse_options options;
  options.max_depth = kDeepestTemplate;
  const auto value =
      json::parse(json::string_view(text.data(), text.size()), error, json::storage_ptr(), options);
  if (error || (!value.is_object() && !value.is_array())) {
    return std::unexpected("is no JSON object or list: placeholders stand inside of strings");
  }
  if (has_placeholder_in_name(value)) return std::unexpected("a placeholder cannot be a name");

  RequestTemplate out;
  // Two braces in a row open a placeholder: outside of strings JSON has none.
  for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{")) {
    const auto end = text.find("}}", at);
    if (end == std::string_view::npos) return std::unexpected("has a {{ without its }}");
    const auto name = text::trim(text.substr(at + 2, end - at - 2));
    const auto* known = std::ranges::find(kNames, name, &Name::text);
    if (known == std::end(kNames)) {
      return std::unexpected("'{{" + std::string(name) + "}}' is no placeholder");
    }
    auto before = text.substr(0, at);
    text.remove_prefix(end + 2);
    if (known->slot == Slot::history) {
      const bool alone =
          before.ends_with('"') && !before.ends_with("\\\"") && text.starts_with('"');
      if (!alone) return std::unexpected("{{history}} is a list: write \"{{history}}\" alone");
      before.remove_suffix(1);
      text.remove_prefix(1);
    }
    out.parts_.push_back({std::string(before), known->slot});
  }
  out.parts_.push_back({std::string(text), std::nullopt});
  if (!out.has(Slot::message)) return std::unexpected("has no {{message}}: what would be asked?");
  return out;
}

bool RequestTemplate::has(Slot slot) const noexcept {
  return std::ranges::any_of(parts_, [&](const Part& part) { return part.slot == slot; });
}

}  // namespace portcullis::config

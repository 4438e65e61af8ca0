#include "config/route_values.hpp"

#include <algorithm>
#include <span>

#include "base/text.hpp"
#include "config/upstream_values.hpp"

namespace portcullis::config {
namespace {

std::optional<std::string> none_of(std::string_view text, std::span<const std::string_view> known) {
  if (std::ranges::find(known, text) != known.end()) return std::nullopt;
  std::string out = "'" + std::string(text) + "' is not one of ";
  for (const auto one : known) {
    if (one != known.front()) out += ", ";
    out += one;
  }
  return out;
}

}  // namespace

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return text::is_alnum(c) || c == '-' || c == '_';
  });
}

std::optional<std::string> target_fault(std::string_view url) {
  if (url.empty()) return "'' is no http or https URL";
  if (auto wrong = upstream_url_fault(url)) return wrong;
  if (url.find_first_of("?#") == std::string_view::npos) return std::nullopt;
  return "'" + std::string(url) + "' has a query or fragment";
}

std::optional<std::string> method_fault(std::string_view method) {
  static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  return none_of(method, kMethods);
}

std::optional<std::string> kind_fault(std::string_view kind) {
  static constexpr std::string_view kKinds[] = {"browser", "token", "anonymous"};
  return none_of(kind, kKinds);
}

std::optional<std::string> role_fault(std::string_view role) {
  static constexpr std::string_view kRoles[] = {"viewer", "operator", "admin", "service"};
  return none_of(role, kRoles);
}

std::optional<std::string> scope_fault(std::string_view scope) {
  const bool plain = scope.size() <= 64 && std::ranges::all_of(scope, [](char c) {
                       return text::is_alnum(c) || std::string_view("-_.:").contains(c);
                     });
  if (plain) return std::nullopt;
  return "a scope has at most 64 letters, digits and \"-_.:\"";
}

std::optional<std::string> rewrite_fault(std::string_view path) {
  const bool plain = path.starts_with('/') && path.find("//") == std::string_view::npos &&
                     path.find("/.") == std::string_view::npos &&
                     std::ranges::all_of(path, [](char c) {
                       return text::is_alnum(c) || std::string_view("/-_.~").contains(c);
                     });
  if (plain) return std::nullopt;
  return "'" + std::string(path) + "' is no plain path";
}

std::optional<LeakMode> leak_mode_of(std::string_view text) noexcept {
  if (text == "off") return LeakMode::off;
  if (text == "mask") return LeakMode::mask;
  if (text == "refuse") return LeakMode::refuse;
  return std::nullopt;
}

std::optional<std::string> upload_type_fault(std::string_view type) {
  static constexpr std::string_view kTypes[] = {
      "image/png",  "image/jpeg", "image/gif", "image/webp", "application/pdf", "application/zip",
      "audio/mpeg", "audio/wav",  "audio/ogg", "video/mp4",  "video/webm",      "text/plain"};
  return none_of(type, kTypes);
}

std::optional<std::string> member_fault(std::string_view name) {
  if (!name.empty() && name.size() <= 128) return std::nullopt;
  return "the name of a member has 1 to 128 bytes";
}

}  // namespace portcullis::config

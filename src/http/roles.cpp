#include "http/roles.hpp"

#include <algorithm>
#include <array>

#include "base/json_text.hpp"

namespace portcullis::http {
namespace {

constexpr std::array<std::string_view, 4> kRoles{"viewer", "operator", "admin", "service"};

}  // namespace

std::string_view name_of(Role role) noexcept { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> role_of(std::string_view name) noexcept {
  const auto* const at = std::ranges::find(kRoles, name);
  if (at == kRoles.end()) return std::nullopt;
  return static_cast<Role>(at - kRoles.begin());
}

std::string Roles::text() const {
  std::string out;
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (!contains(static_cast<Role>(i))) continue;
    if (!out.empty()) out += ", ";
    out += kRoles[i];
  }
  return out;
}

bool grants_any(std::span<const Grant> grants, const Roles& roles, std::string_view site) noexcept {
  return std::ranges::any_of(grants, [&](const Grant& grant) {
    return roles.contains(grant.role) && (grant.site == kEverySite || grant.site == site);
  });
}

void append_json_grants(std::string& out, std::span<const Grant> grants) {
  out += '[';
  for (const auto& grant : grants) {
    if (out.back() != '[') out += ',';
    out += '{';
    text::append_json_member(out, "role", name_of(grant.role));
    text::append_json_member(out, "site", grant.site);
    out += '}';
  }
  out += ']';
}

}  // namespace portcullis::http

#include "identity/grant_text.hpp"

#include <algorithm>

namespace portcullis::identity {

Result<Grant> grant_in(std::string_view text, std::string_view site) {
  const auto at = text.find('@');
  const auto name = text.substr(0, at);
  if (at != std::string_view::npos) site = text.substr(at + 1);
  const auto role = role_of(name);
  if (!role) {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(name) + "' is none of viewer, operator, admin, service",
                ErrorOrigin::client);
  }
  Grant grant{*role, std::string(site)};
  if (auto good = check_grants({&grant, 1}); !good) return std::unexpected(good.error());
  return grant;
}

Result<std::vector<Grant>> grants_in(std::span<const std::string> texts, std::string_view site) {
  std::vector<Grant> out;
  for (const auto& text : texts) {
    TRY(auto grant, grant_in(text, site));
    if (std::ranges::find(out, grant) == out.end()) out.push_back(std::move(grant));
  }
  return out;
}

std::string text_of(std::span<const Grant> grants) {
  std::string out;
  for (const auto& grant : grants) {
    if (!out.empty()) out += ',';
    out += name_of(grant.role);
    if (grant.site != kEverySite) (out += '@') += grant.site;
  }
  return out.empty() ? "-" : out;
}

}  // namespace portcullis::identity

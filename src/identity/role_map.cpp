#include "identity/role_map.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/json_pointer.hpp"
#include "base/text.hpp"
#include "identity/grant_text.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

std::unexpected<Error> wrong(std::string detail) {
  return fail(ErrorCode::invalid_input, std::move(detail));
}

}  // namespace

Result<RoleMap> RoleMap::make(std::string claim, std::span<const std::string> texts) {
  std::string pointer = claim;
  if (claim.starts_with('/')) {
    std::string_view rest = pointer;
    claim = text::take_pointer_step(rest);
  } else {
    pointer.clear();
    text::append_pointer_step(pointer, claim);
  }
  if (claim.empty()) return wrong("the claim of roles has no name");
  json::error_code fault;
  (void)json::value(json::object()).find_pointer(json::string_view(pointer), fault);
  if (fault && fault != json::error::not_found)
    return wrong("the claim of roles is no JSON pointer");

  std::vector<Entry> entries;
  for (const auto& text : texts) {
    // A group may have "=" in its name, as those of LDAP do; a role has none.
    const auto at = text.rfind('=');
    if (at == std::string::npos || at == 0) return wrong("'" + text + "' is not GROUP=ROLE");
    TRY(auto grant, grant_in(std::string_view(text).substr(at + 1), kEverySite));
    entries.push_back({text.substr(0, at), std::move(grant)});
  }
  return RoleMap(std::move(claim), std::move(pointer), std::move(entries));
}

std::vector<Grant> RoleMap::grants_of(const json::object& claims) const {
  std::vector<Grant> out;
  json::error_code none;
  const json::value all(claims);
  const auto* found = all.find_pointer(json::string_view(pointer_), none);
  if (found == nullptr) return out;
  if (const auto* text = found->if_string()) {
    const std::string_view words(text->data(), text->size());
    if (claim_ != "scope" && claim_ != "scp") {
      add(words, out);
    } else {
      for (const auto group : text::split_list(words, ' ')) add(group, out);
    }
  } else if (const auto* list = found->if_array()) {
    for (std::size_t i = 0; i < std::min(list->size(), kMaxValues); ++i) {
      if (const auto* group = (*list)[i].if_string()) add({group->data(), group->size()}, out);
    }
  }
  return out;
}

void RoleMap::add(std::string_view group, std::vector<Grant>& grants) const {
  for (const auto& entry : entries_) {
    if (entry.group != group || grants.size() == kMaxGrants) continue;
    if (std::ranges::find(grants, entry.grant) == grants.end()) grants.push_back(entry.grant);
  }
}

}  // namespace portcullis::identity

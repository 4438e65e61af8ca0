#include "identity/accounts.hpp"

#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "identity/api_keys.hpp"

namespace portcullis::identity {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::uint32_t kMaxRequestsPerMinute = 1'000'000'000;  // as limits in the settings

bool is_user_name_char(char c) {
  return text::is_alnum(c) || std::string_view(".-_+@").contains(c);
}

bool is_site(std::string_view site) { return site == kEverySite || is_name(site); }

/// "chat:read", "events.*": what a route asks for.
bool is_scope(std::string_view scope) {
  return !scope.empty() && scope.size() <= kMaxNameBytes && std::ranges::all_of(scope, [](char c) {
    return text::is_alnum(c) || std::string_view("-_.:*").contains(c);
  });
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKeyNameBytes && text::is_utf8(text) &&
         std::ranges::none_of(
             text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::unexpected<Error> refuse_input(std::string what) {
  return fail(ErrorCode::invalid_input, std::move(what), ErrorOrigin::client);
}

}  // namespace

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxNameBytes && std::ranges::all_of(text, [](char c) {
    return text::is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
}

bool is_token_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 128 &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> user_key(std::string_view name) {
  if (name.empty() || name.size() > kMaxUserNameBytes) {
    return refuse_input("a user name has 1 to 128 characters");
  }
  if (!text::is_alnum(name.front()) || !std::ranges::all_of(name, is_user_name_char)) {
    return refuse_input(
        "a user name begins with a letter or digit and has letters, digits and \".-_+@\" only");
  }
  return text::to_lower(name);
}

Result<void> check_grants(std::span<const Grant> grants) {
  if (grants.size() > kMaxGrants) return refuse_input("a user has at most 32 grants");
  for (const auto& grant : grants) {
    if (!is_site(grant.site)) return refuse_input("a grant is for a site or for \"*\"");
    if (std::ranges::count(grants, grant) > 1) return refuse_input("a grant is there twice");
  }
  return {};
}

Result<void> check(const ApiKey& key) {
  if (!is_api_key_prefix(key.prefix)) return refuse_input("a key has a prefix of its form");
  if (key.hash.size() != ApiKeys::kHashBytes) return refuse_input("a key has a hash");
  if (!is_label(key.name)) {
    return refuse_input("the name of a key has 1 to 128 bytes of UTF-8 without control characters");
  }
  if (!is_site(key.site)) return refuse_input("a key is for a site or for \"*\"");
  if (key.scopes.size() > kMaxScopes) return refuse_input("a key has at most 32 scopes");
  if (!std::ranges::all_of(key.scopes, is_scope)) {
    return refuse_input("a scope has at most 64 letters, digits and \"-_.:*\"");
  }
  if (key.requests_per_minute &&
      (*key.requests_per_minute == 0 || *key.requests_per_minute > kMaxRequestsPerMinute)) {
    return refuse_input("the limit of a key is 1 to 1000000000 requests a minute");
  }
  if (key.expires && *key.expires <= key.created) return refuse_input("a key expires after now");
  return {};
}

WallTime next_second(WallTime now) noexcept {
  return std::chrono::floor<Seconds>(now) + Seconds{1};
}

}  // namespace portcullis::identity

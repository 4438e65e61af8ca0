#include "identity/user_tokens.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>
#include <optional>

#include "base/json_text.hpp"
#include "identity/accounts.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

constexpr std::size_t kIdBytes = 16;

bool is_grant(const Grant& grant) { return grant.site == kEverySite || is_name(grant.site); }

/// The claim that breaks its rules; empty where none does. A refresh token needs its family.
std::string_view fault_in(const UserClaims& claims, UserTokens::Use use) {
  if (!is_claim_text(claims.subject)) return "sub";
  if (claims.grants.size() > kMaxGrants || !std::ranges::all_of(claims.grants, is_grant)) {
    return "grants";
  }
  const bool needs_family = use == UserTokens::Use::refresh;
  if ((needs_family || !claims.family.empty()) && !is_name(claims.family)) return "fam";
  return {};
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(*text);
}

/// For readers of tokens that know one role for all: the strongest.
std::optional<Role> strongest(const std::vector<Grant>& grants) {
  for (const Role role : {Role::admin, Role::operator_, Role::viewer, Role::service}) {
    if (std::ranges::any_of(grants, [&](const Grant& grant) { return grant.role == role; })) {
      return role;
    }
  }
  return std::nullopt;
}

/// A grant as a token has it: of a role that a newer program may know.
struct NamedGrant {
  std::string role;
  std::string site;
};

std::optional<NamedGrant> read_grant(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr || object->size() != 2) return std::nullopt;
  auto role = text_member(*object, "role");
  auto site = text_member(*object, "site");
  if (!role || !site) return std::nullopt;
  return NamedGrant{*std::move(role), *std::move(site)};
}

JwtResult<std::vector<Grant>> read_grants(const json::object& claims) {
  const auto* list = claims.at("grants").if_array();
  if (list == nullptr) return refuse(JwtFault::bad_claims, "grants");
  if (list->size() > kMaxGrants) return refuse(JwtFault::bad_claims, "grants");
  std::vector<Grant> grants;
  grants.reserve(list->size());
  for (const auto& value : *list) {
    auto grant = read_grant(value);
    if (!grant || !is_name(grant->role)) return refuse(JwtFault::bad_claims, "grants");
    if (const auto role = http::role_of(grant->role)) {
      grants.push_back({*role, std::move(grant->site)});
    }
  }
  return grants;
}

JwtResult<std::uint32_t> read_generation(const json::object& claims) {
  const auto* value = claims.if_contains("gen");
  if (value == nullptr) return 0;
  const auto* number = value->if_int64();
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) {
    return refuse(JwtFault::bad_claims, "gen");
  }
  return static_cast<std::uint32_t>(*number);
}

JwtResult<std::string> read_family(const json::object& claims) {
  if (!claims.contains("fam")) return std::string();
  auto family = text_member(claims, "fam");
  if (!family) return refuse(JwtFault::bad_claims, "fam");
  return *std::move(family);
}

ClaimRules rules_of(const UserTokens::Settings& settings, std::string_view type, Seconds max_life) {
  ClaimRules rules;
  rules.issuer = settings.issuer;
  rules.audience = settings.audience;
  rules.types = {std::string(type)};
  rules.required = {{"typ", {}}, {"nbf", {}}, {"jti", {}}, {"grants", {}}};
  rules.max_life = max_life;
  return rules;
}

}  // namespace

Result<UserTokens> UserTokens::make(const Settings& settings, JwtKeys access_keys,
                                    JwtKeys refresh_keys) {
  Kind access{.type = "at+jwt",
              .claim = "access",
              .life = settings.access_life,
              .keys = std::move(access_keys),
              .rules = rules_of(settings, "at+jwt", settings.max_access_life)};
  Kind refresh{.type = "rt+jwt",
               .claim = "refresh",
               .life = settings.refresh_life,
               .keys = std::move(refresh_keys),
               .rules = rules_of(settings, "rt+jwt", settings.max_refresh_life)};
  refresh.rules.required.push_back({"fam", {}});
  refresh.rules.required.push_back({"gen", {}});
  for (const Kind* kind : {&access, &refresh}) {
    if (const auto ruled = kind->rules.check(); !ruled) return std::unexpected(ruled.error());
    if (!kind->keys.can_sign()) {
      return fail(ErrorCode::invalid_input, "the first key of user tokens must be a private one");
    }
    if (kind->life <= Seconds{0} || kind->life > kind->rules.max_life) {
      return fail(ErrorCode::invalid_input, "the life of user tokens is over its bound");
    }
  }
  return UserTokens(std::move(access), std::move(refresh));
}

std::string UserTokens::new_id() { return text::base64url(crypto::random_bytes(kIdBytes)); }

Result<UserTokens::Issued> UserTokens::issue(Use use, const UserClaims& claims,
                                             WallTime now) const {
  return issue(use, claims, now, kind(use).life);
}

Result<UserTokens::Issued> UserTokens::issue(Use use, const UserClaims& claims, WallTime now,
                                             Seconds life) const {
  const Kind& of = kind(use);
  if (life <= Seconds{0} || life > of.rules.max_life) {
    return fail(ErrorCode::invalid_input, "the life of the token is over its bound");
  }
  if (const auto fault = fault_in(claims, use); !fault.empty()) {
    return fail(ErrorCode::invalid_input, "no token with this " + std::string(fault));
  }
  Issued issued{.token = {}, .id = new_id(), .expires = {}};
  const std::int64_t at = epoch_seconds(now);
  issued.expires = from_epoch_seconds(at) + life;
  std::string json;
  json.reserve(512);
  text::append_json_member(json, "iss", of.rules.issuer);
  text::append_json_member(json, "aud", of.rules.audience);
  text::append_json_member(json, "sub", claims.subject);
  text::append_json_member(json, "typ", of.claim);
  text::append_json_member(json, "iat", at);
  text::append_json_member(json, "nbf", at);
  text::append_json_member(json, "exp", epoch_seconds(issued.expires));
  text::append_json_member(json, "jti", issued.id);
  if (const auto role = strongest(claims.grants)) {
    text::append_json_member(json, "role", name_of(*role));
  }
  text::append_json_name(json, "grants");
  http::append_json_grants(json, claims.grants);
  if (!claims.family.empty()) text::append_json_member(json, "fam", claims.family);
  if (use == Use::refresh) text::append_json_member(json, "gen", claims.generation);
  json += '}';
  issued.token = of.keys.sign(of.type, json);
  return issued;
}

JwtResult<UserClaims> UserTokens::verify(Use use, std::string_view token, WallTime now) const {
  const Kind& of = kind(use);
  http::JsonBody body;
  TRY(auto verified, verify_jwt(token, of.keys, of.rules, now, body));
  const auto& object = body.value.get_object();
  if (text_member(object, "typ") != of.claim) return refuse(JwtFault::wrong_type, "typ");
  UserClaims claims;
  claims.subject = std::move(verified.subject);
  claims.id = std::move(verified.id);
  claims.issued = verified.issued;
  claims.expires = verified.expires;
  TRY(claims.grants, read_grants(object));
  TRY(claims.family, read_family(object));
  TRY(claims.generation, read_generation(object));
  if (const auto fault = fault_in(claims, use); !fault.empty()) {
    return refuse(JwtFault::bad_claims, fault);
  }
  return claims;
}

}  // namespace portcullis::identity

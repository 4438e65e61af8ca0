#include "identity/claim_rules.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <cstdint>

#include "base/text.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

constexpr http::JsonLimits kClaimLimits{.max_depth = 8, .max_keys = 256};
constexpr std::size_t kMaxTextBytes = 256;
constexpr std::size_t kMaxAudiences = 32;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

JwtResult<std::string_view> text_of(const json::value& value, std::string_view name) {
  const auto* text = value.if_string();
  if (text == nullptr || !is_claim_text(*text)) return refuse(JwtFault::bad_claims, name);
  return std::string_view(*text);
}

/// In whole seconds, since a WallTime ends in the year 2262.
JwtResult<Seconds> time_of(const json::value& value, std::string_view name) {
  // Numbers over 2^63 are of another kind, and those with a fraction or exponent of a third.
  const auto* seconds = value.if_int64();
  if (seconds == nullptr || *seconds < 0 || *seconds > kLastSecond) {
    return refuse(JwtFault::bad_claims, name);
  }
  return Seconds{*seconds};
}

/// Reads claims by name; `Read` is text_of or time_of.
template <auto Read>
auto required_claim(const json::object& claims, std::string_view name) -> decltype(Read({}, name)) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr) return refuse(JwtFault::missing_claim, name);
  return Read(*value, name);
}

/// As required_claim(), and `absent` where the claim is not there.
template <auto Read, class T>
JwtResult<T> optional_claim(const json::object& claims, std::string_view name, T absent) {
  if (!claims.contains(name)) return absent;
  return required_claim<Read>(claims, name);
}

JwtResult<void> check_issuer(const json::object& claims, const ClaimRules& rules) {
  TRY(const auto issuer, required_claim<text_of>(claims, "iss"));
  if (issuer != rules.issuer) return refuse(JwtFault::wrong_issuer, "iss");
  return {};
}

/// `aud` is a text or a list of them (RFC 7519 section 4.1.3).
JwtResult<void> check_audience(const json::object& claims, const ClaimRules& rules) {
  const auto* audience = claims.if_contains("aud");
  if (audience == nullptr) return refuse(JwtFault::missing_claim, "aud");
  const auto* list = audience->if_array();
  const std::size_t count = list == nullptr ? 1 : list->size();
  if (count == 0 || count > kMaxAudiences) return refuse(JwtFault::bad_claims, "aud");
  bool found = false;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const auto one, text_of(list == nullptr ? *audience : (*list)[i], "aud"));
    found = found || one == rules.audience;
  }
  if (!found) return refuse(JwtFault::wrong_audience, "aud");
  return {};
}

JwtResult<void> check_times(const json::object& claims, const ClaimRules& rules, WallTime now,
                            VerifiedJwt& verified) {
  TRY(const auto expires, required_claim<time_of>(claims, "exp"));
  TRY(const auto issued, required_claim<time_of>(claims, "iat"));
  TRY(const auto not_before, optional_claim<time_of>(claims, "nbf", issued));
  const Seconds at{epoch_seconds(now)};
  if (expires <= issued) return refuse(JwtFault::bad_claims, "exp");
  if (at - rules.leeway >= expires) return refuse(JwtFault::expired, "exp");
  if (at + rules.leeway < not_before) return refuse(JwtFault::not_yet_valid, "nbf");
  if (at + rules.leeway < issued) return refuse(JwtFault::issued_in_future, "iat");
  if (expires - issued > rules.max_life) return refuse(JwtFault::too_long_lived, "exp");
  if (rules.max_age && at - rules.leeway > issued + *rules.max_age) {
    return refuse(JwtFault::too_old, "iat");
  }
  verified.issued = from_epoch_seconds(issued.count());
  verified.expires = from_epoch_seconds(expires.count());
  return {};
}

JwtResult<void> check_required(const json::object& claims, const ClaimRules& rules) {
  for (const auto& [name, expected] : rules.required) {
    const auto* value = claims.if_contains(name);
    if (value == nullptr) return refuse(JwtFault::missing_claim, name);
    if (!expected) continue;
    const auto* text = value->if_string();
    if (text == nullptr || *text != *expected) return refuse(JwtFault::wrong_value, name);
  }
  return {};
}

}  // namespace

JwtResult<const json::object*> parse_claims(std::string_view payload, http::JsonBody& claims) {
  auto parsed = http::parse_json(payload, kClaimLimits, claims.value.storage());
  if (!parsed) return refuse(JwtFault::bad_claims);
  claims.value = *std::move(parsed);
  const auto* object = claims.value.if_object();
  if (object == nullptr) return refuse(JwtFault::bad_claims);
  return object;
}

JwtResult<std::string_view> text_claim(const json::object& claims, std::string_view name) {
  return required_claim<text_of>(claims, name);
}

JwtResult<Seconds> time_claim(const json::object& claims, std::string_view name) {
  return required_claim<time_of>(claims, name);
}

bool is_claim_text(std::string_view text) noexcept {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  return !text.empty() && text.size() <= kMaxTextBytes && text::is_utf8(text) &&
         std::ranges::none_of(text, is_control);
}

Result<void> ClaimRules::check() const {
  const auto bad = [](const char* what) { return fail(ErrorCode::invalid_input, what); };
  if (!is_claim_text(issuer)) return bad("tokens need an issuer");
  if (!is_claim_text(audience)) return bad("tokens need an audience");
  if (types.empty()) return bad("tokens need a type");
  if (leeway < Seconds{0} || leeway > kMaxLeeway) return bad("a leeway is at most 5 minutes");
  if (max_life <= Seconds{0} || max_life > kMaxLife) return bad("a life is at most 10 years");
  if (max_age && (*max_age <= Seconds{0} || *max_age > kMaxLife))
    return bad("an age is at most 10 years");
  return {};
}

JwtResult<VerifiedJwt> verify_jwt(std::string_view token, const JwtKeys& keys,
                                  const ClaimRules& rules, WallTime now, http::JsonBody& claims) {
  TRY(const auto jws, read_compact_jws(token, {.thumbprints = rules.thumbprints}));
  if (const auto known = keys.verify(jws); !known) return std::unexpected(known.error());
  if (std::ranges::find(rules.types, jws.header.type) == rules.types.end()) {
    return refuse(JwtFault::wrong_type, "typ");
  }
  TRY(const auto* object, parse_claims(jws.payload, claims));
  VerifiedJwt verified;
  for (const auto check : {check_issuer, check_audience, check_required}) {
    if (const auto passed = check(*object, rules); !passed) return std::unexpected(passed.error());
  }
  if (const auto passed = check_times(*object, rules, now, verified); !passed) {
    return std::unexpected(passed.error());
  }
  TRY(verified.subject, required_claim<text_of>(*object, "sub"));
  TRY(verified.id, optional_claim<text_of>(*object, "jti", std::string_view{}));
  return verified;
}

}  // namespace portcullis::identity

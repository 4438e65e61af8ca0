#include "identity/jose_header.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <optional>

#include "base/text.hpp"
#include "http/json_body.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

/// A header is flat, but for members that are ignored.
constexpr http::JsonLimits kHeaderLimits{.max_depth = 4, .max_keys = 32};
constexpr std::size_t kMaxTypeBytes = 64;

/// Members that change what is signed (crit, b64, zip; RFC 7515 section 4.1.11, RFC 7797, RFC
/// 7516), that bring their own key or tell where to fetch it (jku, jwk, x5u, x5c; RFC 8725
/// section 3.10), or that belong to encryption (RFC 7516 section 4.1, RFC 7518 section 4).
constexpr std::array<std::string_view, 15> kForbidden = {"crit", "b64", "zip", "jku", "jwk",
                                                         "x5u",  "x5c", "enc", "epk", "apu",
                                                         "apv",  "iv",  "tag", "p2s", "p2c"};
constexpr std::array<std::string_view, 2> kThumbprints = {"x5t", "x5t#S256"};

/// The entry of a table, which is static, or nothing.
template <std::size_t N>
std::string_view find(const std::array<std::string_view, N>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name);
  return found == table.end() ? std::string_view{} : *found;
}

struct Parts {
  std::string_view header, payload, signature;
};

std::optional<Parts> split(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
               token.substr(second + 1)};
}

bool is_type(std::string_view text) {
  return text.size() <= kMaxTypeBytes &&
         std::ranges::all_of(text, [](char c) { return text::is_token_char(c) || c == '/'; });
}

JwtResult<void> take_algorithm(const json::value& value, JoseHeader& header) {
  const auto* name = value.if_string();
  const auto algorithm = name == nullptr ? std::nullopt : crypto::jws_algorithm(*name);
  if (!algorithm) return refuse(JwtFault::wrong_algorithm, "alg");
  header.algorithm = *algorithm;
  return {};
}

JwtResult<void> take_key(const json::value& value, JoseHeader& header) {
  const auto* key = value.if_string();
  if (key == nullptr || !is_key_id(*key)) return refuse(JwtFault::bad_header, "kid");
  header.key = std::string_view(*key);
  return {};
}

JwtResult<void> take_type(const json::value& value, JoseHeader& header) {
  const auto* type = value.if_string();
  if (type == nullptr || type->empty() || !is_type(*type)) {
    return refuse(JwtFault::bad_header, "typ");
  }
  header.type = jose_type(*type);
  header.is_plain_type = header.type == std::string_view(*type);
  return {};
}

JwtResult<void> take_own_key(const json::value& value, JoseHeader& header) {
  const auto* key = value.if_object();
  if (key == nullptr) return refuse(JwtFault::bad_header, "jwk");
  header.jwk.emplace(*key, json::storage_ptr());  // that of the header ends with this function
  return {};
}

JwtResult<void> take_member(std::string_view name, const json::value& value, const JoseRules& rules,
                            JoseHeader& header) {
  if (name == "alg") return take_algorithm(value, header);
  if (name == "kid") return take_key(value, header);
  if (name == "typ") return take_type(value, header);
  if (name == "jwk" && rules.own_key == OwnKey::taken) return take_own_key(value, header);
  if (const auto member = find(kForbidden, name); !member.empty()) {
    return refuse(JwtFault::forbidden_header, member);
  }
  if (const auto member = find(kThumbprints, name);
      !member.empty() && rules.thumbprints == Thumbprints::refused) {
    return refuse(JwtFault::forbidden_header, member);
  }
  return {};
}

JwtResult<JoseHeader> read_header(std::string_view text, const JoseRules& rules) {
  http::JsonBody body;
  auto parsed = http::parse_json(text, kHeaderLimits, body.value.storage());
  if (!parsed) return refuse(JwtFault::bad_header);
  body.value = *std::move(parsed);
  const auto* members = body.value.if_object();
  if (members == nullptr) return refuse(JwtFault::bad_header);
  if (!members->contains("alg")) return refuse(JwtFault::wrong_algorithm, "alg");
  JoseHeader header;
  for (const auto& [name, value] : *members) {
    const auto taken = take_member(name, value, rules, header);
    if (!taken) return std::unexpected(taken.error());
  }
  return header;
}

}  // namespace

bool is_key_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxKeyIdBytes && std::ranges::all_of(text, [](char c) {
    return text::is_alnum(c) || std::string_view("-._~+/=:@").contains(c);
  });
}

std::string jose_type(std::string_view type) {
  constexpr std::string_view kPrefix = "application/";
  if (text::istarts_with(type, kPrefix)) type.remove_prefix(kPrefix.size());
  return text::to_lower(type);
}

JwtResult<CompactJws> read_compact_jws(std::string_view token, const JoseRules& rules) {
  if (token.size() > kMaxJwtBytes) return refuse(JwtFault::too_large);
  const auto parts = split(token);
  if (!parts) return refuse(JwtFault::malformed);
  const auto header_text = text::base64url_decode(parts->header);
  if (!header_text) return refuse(JwtFault::malformed, "header");
  if (header_text->size() > kMaxJoseHeaderBytes) return refuse(JwtFault::too_large, "header");
  auto header = read_header(*header_text, rules);
  if (!header) return std::unexpected(header.error());
  auto payload = text::base64url_decode(parts->payload);
  if (!payload || payload->empty()) return refuse(JwtFault::malformed, "payload");
  if (parts->signature.empty() || !text::base64url_decode(parts->signature)) {
    return refuse(JwtFault::malformed, "signature");
  }
  return CompactJws{token, *std::move(header), *std::move(payload)};
}

}  // namespace portcullis::identity

#include "identity/jwks.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "http/json_body.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 64 * 1024;
/// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.
constexpr std::string_view kPrivate[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
constexpr http::JsonLimits kLimits{.max_depth = 6, .max_keys = 1000};

std::unexpected<Error> unfit(std::string reason) {
  return fail(ErrorCode::invalid_input, std::move(reason), ErrorOrigin::upstream);
}

/// A member that is a text; empty where there is none.
Result<std::string_view> text_member(const json::object& key, std::string_view name) {
  const auto* value = key.if_contains(name);
  if (value == nullptr) return std::string_view{};
  const auto* text = value->if_string();
  if (text == nullptr) return unfit(std::string(name) + " is no text");
  return std::string_view(*text);
}

Result<std::string> number_member(const json::object& key, std::string_view name) {
  TRY(const auto encoded, text_member(key, name));
  auto number = text::base64url_decode(encoded);
  if (!number || number->empty()) return unfit(std::string(name) + " is no base64url number");
  return *std::move(number);
}

/// `use` and `key_ops`, where they are there, must allow to verify (RFC 7517 sections 4.2, 4.3).
Result<void> check_use(const json::object& key) {
  TRY(const auto use, text_member(key, "use"));
  if (key.contains("use") && use != "sig") return unfit("not for signatures");
  const auto* operations = key.if_contains("key_ops");
  if (operations == nullptr) return {};
  const auto* list = operations->if_array();
  const auto verifies = [](const json::value& operation) { return operation == "verify"; };
  if (list == nullptr || !std::ranges::any_of(*list, verifies)) return unfit("not to verify with");
  return {};
}

/// `alg`, where it is there, must be the one of this kind of key.
Result<void> check_algorithm(const json::object& key, crypto::JwsAlgorithm expected) {
  TRY(const auto algorithm, text_member(key, "alg"));
  if (key.contains("alg") && algorithm != crypto::name_of(expected)) {
    return unfit("of an algorithm that is not supported");
  }
  return {};
}

Result<crypto::JwsKey> read_rsa(const json::object& key) {
  if (const auto fits = check_algorithm(key, crypto::JwsAlgorithm::rs256); !fits) {
    return std::unexpected(fits.error());
  }
  crypto::RsaNumbers numbers;
  TRY(numbers.n, number_member(key, "n"));
  TRY(numbers.e, number_member(key, "e"));
  return crypto::JwsKey::rsa(numbers);
}

Result<crypto::JwsKey> read_ec(const json::object& key) {
  if (const auto fits = check_algorithm(key, crypto::JwsAlgorithm::es256); !fits) {
    return std::unexpected(fits.error());
  }
  TRY(const auto curve, text_member(key, "crv"));
  if (curve != "P-256") return unfit("of elliptic curves only P-256 is supported");
  crypto::EcNumbers numbers;
  TRY(numbers.x, number_member(key, "x"));
  TRY(numbers.y, number_member(key, "y"));
  return crypto::JwsKey::ec(numbers);
}

Result<crypto::JwsKey> read_key(const json::object& key) {
  TRY(const auto kind, text_member(key, "kty"));
  if (kind == "RSA") return read_rsa(key);
  if (kind == "EC") return read_ec(key);
  // A secret that everybody can fetch is none.
  return unfit(kind == "oct" ? "a secret" : "of a kind that is not supported");
}

Result<JwtKey> read_member(const json::value& value, bool needs_id) {
  const auto* object = value.if_object();
  if (object == nullptr) return unfit("no object");
  if (const auto fits = check_use(*object); !fits) return std::unexpected(fits.error());
  TRY(const auto id, text_member(*object, "kid"));
  if (object->contains("kid") && !is_key_id(id)) return unfit("a kid that is not accepted");
  if (id.empty() && needs_id) return unfit("no kid, beside other keys");
  TRY(auto key, read_key(*object));
  return JwtKey{.id = std::string(id), .key = std::move(key)};
}

bool has_namesake(const std::vector<JwtKey>& keys, const JwtKey& key) {
  return std::ranges::any_of(keys, [&](const JwtKey& other) { return other.id == key.id; });
}

Result<const json::array*> keys_of(const json::value& set) {
  const auto* object = set.if_object();
  const auto* keys = object == nullptr ? nullptr : object->if_contains("keys");
  const auto* list = keys == nullptr ? nullptr : keys->if_array();
  if (list == nullptr) return fail(ErrorCode::malformed, "no JWK Set", ErrorOrigin::upstream);
  if (list->size() > JwtKeys::kMaxKeys) {
    return fail(ErrorCode::too_large, "a JWK Set of more than 32 keys", ErrorOrigin::upstream);
  }
  return list;
}

}  // namespace

Result<crypto::JwsKey> read_public_key(const json::object& key) {
  if (std::ranges::any_of(kPrivate, [&](std::string_view name) { return key.contains(name); })) {
    return unfit("a private key");
  }
  if (const auto fits = check_use(key); !fits) return std::unexpected(fits.error());
  return read_key(key);
}

Result<Jwks> parse_jwks(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return fail(ErrorCode::too_large, "a JWK Set over 64 KiB", ErrorOrigin::upstream);
  }
  const auto parsed = http::parse_json(text, kLimits);
  if (!parsed) return fail(ErrorCode::malformed, parsed.error().detail, ErrorOrigin::upstream);
  TRY(const auto* list, keys_of(*parsed));
  Jwks out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto key = read_member((*list)[i], list->size() > 1);
    if (!key) {
      out.skipped.push_back({i, std::move(key).error().detail});
    } else if (has_namesake(out.keys, *key)) {
      out.skipped.push_back({i, "a kid that another key has"});
    } else {
      out.keys.push_back(*std::move(key));
    }
  }
  return out;
}

}  // namespace portcullis::identity

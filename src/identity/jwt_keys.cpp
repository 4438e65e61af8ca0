#include "identity/jwt_keys.hpp"

#include <algorithm>

namespace portcullis::identity {
namespace {

bool names(const JoseHeader& header, const JwtKey& key) {
  return header.key.empty() || key.id.empty() || header.key == key.id;
}

bool same_name(const JwtKey& a, const JwtKey& b) {
  return a.id == b.id && a.key.algorithm() == b.key.algorithm();
}

JwtKey named_by_itself(crypto::JwsKey key) { return {.id = key.id(), .key = std::move(key)}; }

}  // namespace

Result<JwtKey> JwtKey::from_secret(std::string_view secret) {
  TRY(auto key, crypto::JwsKey::hmac(secret));
  return named_by_itself(std::move(key));
}

Result<JwtKey> JwtKey::from_pem(std::string_view pem) {
  TRY(auto key, crypto::JwsKey::pem(pem));
  return named_by_itself(std::move(key));
}

Result<JwtKeys> JwtKeys::make(std::vector<JwtKey> keys) {
  if (keys.empty()) return fail(ErrorCode::invalid_input, "no key");
  if (keys.size() > kMaxKeys) return fail(ErrorCode::invalid_input, "more than 32 keys");
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const auto same = [&](const JwtKey& other) { return same_name(*key, other); };
    if (std::any_of(keys.begin(), key, same)) {
      return fail(ErrorCode::invalid_input, "two keys of the same name");
    }
  }
  return JwtKeys(std::move(keys));
}

Result<JwtKeys> JwtKeys::from_secrets(const std::vector<std::string>& secrets) {
  std::vector<JwtKey> keys;
  for (const auto& secret : secrets) {
    TRY(auto key, JwtKey::from_secret(secret));
    keys.push_back(std::move(key));
  }
  return make(std::move(keys));
}

std::string JwtKeys::sign(std::string_view type, std::string_view claims) const {
  const auto& first = keys_.front();
  return first.key.sign({.type = type, .key = first.id}, claims);
}

JwtResult<void> JwtKeys::verify(const CompactJws& jws) const {
  std::size_t tries = 0;
  bool named = false;
  for (const auto& key : keys_) {
    if (!names(jws.header, key)) continue;
    named = named || (!key.id.empty() && key.id == jws.header.key);
    if (key.key.algorithm() != jws.header.algorithm) continue;
    if (++tries > kMaxTries) break;
    if (key.key.verify(jws.compact)) return {};
  }
  if (tries > 0) return refuse(JwtFault::bad_signature);
  return refuse(named ? JwtFault::confused_algorithm : JwtFault::unknown_key, "kid");
}

}  // namespace portcullis::identity

#include "identity/visitor_identity.hpp"

#include "base/text.hpp"
#include "identity/from_settings.hpp"
#include "identity/jwks.hpp"

namespace portcullis::identity {
namespace {

Result<JwtKeys> keys_of(const config::VisitorIdentitySettings& settings) {
  if (!settings.secret.empty()) return JwtKeys::from_secrets({settings.secret});
  TRY(const std::string text, read_key_file(settings.key_file));
  if (!text::trim(text).starts_with('{')) {
    TRY(auto key, JwtKey::from_pem(text));
    // Who may sign for the site is not for the gateway to be.
    if (key.key.can_sign()) return fail(ErrorCode::invalid_input, "is a private key");
    key.id.clear();  // the site may call it what it likes
    std::vector<JwtKey> keys;
    keys.push_back(std::move(key));
    return JwtKeys::make(std::move(keys));
  }
  TRY(auto set, parse_jwks(text));
  return JwtKeys::make(std::move(set.keys));
}

}  // namespace

Result<VisitorIdentity> VisitorIdentity::make(const config::VisitorIdentitySettings& settings) {
  if (settings.form == config::IdentityForm::hash) {
    return VisitorIdentity(settings.required, std::nullopt, crypto::HmacKey(settings.secret));
  }
  TRY(auto keys, keys_of(settings));
  ForeignTokens::Rules rules{.claims = {}, .wanted = {}};
  rules.claims.issuer = settings.issuer;
  rules.claims.audience = settings.audience;
  rules.claims.types = {"jwt", ""};
  rules.claims.max_life = settings.max_life;
  TRY(auto tokens, ForeignTokens::make(std::move(rules), std::move(keys)));
  return VisitorIdentity(settings.required, std::move(tokens), std::nullopt);
}

JwtResult<std::string> VisitorIdentity::verify(const ShownIdentity& shown, WallTime now) const {
  if (hashes_) return verify_hash(shown);
  if (shown.token.empty()) return refuse(JwtFault::missing_claim, "user_token");
  TRY(auto known, tokens_->verify(shown.token, now));
  return std::move(known.subject);
}

JwtResult<std::string> VisitorIdentity::verify_hash(const ShownIdentity& shown) const {
  if (!is_claim_text(shown.user)) return refuse(JwtFault::bad_claims, "user_id");
  const auto expected = text::hex(crypto::bytes_of(hashes_->sign(shown.user)));
  if (!crypto::equal_constant_time(text::to_lower(shown.hash), expected)) {
    return refuse(JwtFault::bad_signature, "user_hash");
  }
  return std::string(shown.user);
}

}  // namespace portcullis::identity

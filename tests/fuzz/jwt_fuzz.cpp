// JSON Web Tokens of users and of others: nothing but what a key of ours signed is believed, and
// what is believed follows the rules. The first byte says what the rest is: a token, or header or
// claims to be signed here, so that what lies behind the signature is reached too, or a JWK Set.
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "identity/foreign_tokens.hpp"
#include "identity/jwks.hpp"
#include "identity/user_tokens.hpp"

namespace {

using namespace portcullis;
using namespace portcullis::identity;
using fuzz::require;
using Use = UserTokens::Use;

// The seeds hold tokens that make_seeds.py signed with this.
const std::string kSecret = "fuzzing secret of users, no secret at all";
const WallTime kNow = from_epoch_seconds(1'800'000'000);

std::string decoded(std::string_view encoded) { return text::base64url_decode(encoded).value(); }

/// One for all runs: each key keeps a context for as long as the thread lives.
const crypto::HmacKey& secret_key() {
  static const crypto::HmacKey key(kSecret);
  return key;
}

/// A secret, and the public keys of RFC 7515 appendix A.2 and A.3.
JwtKeys all_keys() {
  std::vector<JwtKey> keys;
  keys.push_back({.id = "hs", .key = crypto::JwsKey::hmac(kSecret).value()});
  keys.push_back(
      {.id = "rs",
       .key = crypto::JwsKey::rsa(
                  {.n = decoded("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V"
                                "aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b"
                                "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-K"
                                "XBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
                                "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5"
                                "4h4FRWyuXpoQ"),
                   .e = decoded("AQAB")})
                  .value()});
  keys.push_back(
      {.id = "es",
       .key = crypto::JwsKey::ec({.x = decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                  .y = decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")})
                  .value()});
  return JwtKeys::make(std::move(keys)).value();
}

ForeignTokens foreign_tokens() {
  ForeignTokens::Rules rules{.claims = {}, .wanted = {"grants", "typ"}};
  rules.claims.issuer = "portcullis";
  rules.claims.audience = "portcullis";
  rules.claims.types = {"at+jwt", "rt+jwt", "jwt", ""};
  rules.claims.thumbprints = Thumbprints::ignored;
  return ForeignTokens::make(std::move(rules), all_keys()).value();
}

void check_form(const JwtResult<CompactJws>& jws, std::string_view token) {
  if (!jws) return;
  require(jws->compact == token, "nothing of a token is passed over");
  require(token.size() <= kMaxJwtBytes, "a token is bounded");
  require(jws->header.key.empty() || is_key_id(jws->header.key), "a kid has safe characters");
  require(jose_type(jws->header.type) == jws->header.type, "a type is in its own form");
}

/// Whether the secret signed it, computed without the code under test.
bool is_signed_by_secret(std::string_view token) {
  const auto cut = token.rfind('.');
  const auto mac = secret_key().sign(token.substr(0, cut));
  return text::base64url(crypto::bytes_of(mac)) == token.substr(cut + 1);
}

void check_user_token(Use use, std::string_view token) {
  static const UserTokens users = UserTokens::make({}, all_keys(), all_keys()).value();
  const auto claims = users.verify(use, token, kNow);
  if (!claims) {
    require(claims.error().text().starts_with("JWT_"), "a refusal has a code");
    return;
  }
  require(is_signed_by_secret(token), "only what the secret signed is believed");
  require(claims->expires > kNow - Seconds{30}, "it has not expired");
  require(claims->issued <= kNow + Seconds{30}, "it was not issued in the future");
  require(claims->grants.size() <= portcullis::identity::kMaxGrants, "grants are bounded");
  const auto again = users.issue(use, *claims, kNow);
  require(again.has_value(), "what is believed could be issued");
  const auto read = users.verify(use, again->token, kNow);
  require(read && read->subject == claims->subject && read->grants == claims->grants &&
              read->family == claims->family,
          "and says the same again");
}

void check_token(std::string_view token) {
  static const ForeignTokens foreign = foreign_tokens();
  check_form(read_compact_jws(token), token);
  check_form(read_compact_jws(token, {.thumbprints = Thumbprints::ignored}), token);
  check_user_token(Use::access, token);
  check_user_token(Use::refresh, token);
  const auto identity = foreign.verify(token, kNow);
  if (!identity) return;
  require(is_signed_by_secret(token), "only what the secret signed is believed");
  require(is_claim_text(identity->subject), "a subject is a bounded text");
}

std::string signed_here(std::string_view header, std::string_view claims) {
  return crypto::sign_hs256(secret_key(), header, claims);
}

constexpr std::string_view kClaims =
    R"({"iss":"portcullis","aud":"portcullis","sub":"a","iat":1800000000,"nbf":1800000000,)"
    R"("exp":1800000600,"jti":"j","typ":"access","grants":[]})";

void check_jwks(std::string_view text) {
  const auto set = parse_jwks(text);
  if (!set) {
    require(!set.error().detail.empty(), "a refusal has a detail");
    return;
  }
  require(set->keys.size() + set->skipped.size() <= JwtKeys::kMaxKeys, "keys are bounded");
  for (const auto& key : set->keys) {
    require(!key.key.can_sign(), "keys of others verify only");
    require(key.key.algorithm() != crypto::JwsAlgorithm::hs256, "and are no secrets");
    require(!key.key.verify(signed_here(R"({"alg":"RS256"})", "{}")),
            "and verify what they signed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check_token(rest);
      break;
    case 1:
      check_token(signed_here(rest, kClaims));
      break;
    case 2:
      check_token(signed_here(R"({"alg":"HS256","typ":"at+jwt"})", rest));
      check_token(signed_here(R"({"alg":"HS256","typ":"rt+jwt"})", rest));
      break;
    default:
      check_jwks(rest);
  }
  return 0;
}

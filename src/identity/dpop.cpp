#include "identity/dpop.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "http/json_body.hpp"
#include "identity/claim_rules.hpp"
#include "identity/jose_header.hpp"
#include "identity/jwks.hpp"
#include "state/key.hpp"

namespace portcullis::identity {
namespace {

namespace json = boost::json;

constexpr std::string_view kType = "dpop+jwt";
constexpr std::string_view kTier = "proof";
constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxUrlBytes = 2048;
/// Of these a window holds one, and however little is left of it then, no limit has less.
constexpr std::uint32_t kUnits = 2'000'000'001;
constexpr std::uint32_t kRoom = 4'000'000'000;
/// Longer than a proof is good for from its first use on, however far its clock is ahead.
constexpr Seconds kRemembered = 2 * (kDpopPast + kDpopFuture);

JwtResult<crypto::JwsKey> key_of(const CompactJws& jws) {
  if (jws.header.algorithm != crypto::JwsAlgorithm::es256) {
    return refuse(JwtFault::wrong_algorithm, "alg");
  }
  if (jws.header.type != kType || !jws.header.is_plain_type)
    return refuse(JwtFault::wrong_type, "typ");
  if (!jws.header.jwk) return refuse(JwtFault::bad_header, "jwk");
  auto key = read_public_key(*jws.header.jwk);
  if (!key || key->algorithm() != jws.header.algorithm) return refuse(JwtFault::bad_header, "jwk");
  return *std::move(key);
}

JwtResult<void> check_url(const json::object& claims, std::span<const std::string> urls) {
  const auto* value = claims.if_contains("htu");
  if (value == nullptr) return refuse(JwtFault::missing_claim, "htu");
  const auto* text = value->if_string();
  if (text == nullptr || text->size() > kMaxUrlBytes) return refuse(JwtFault::bad_claims, "htu");
  const auto url = canonical_url(*text);
  if (!url) return refuse(JwtFault::bad_claims, "htu");
  if (std::ranges::find(urls, *url) == urls.end()) return refuse(JwtFault::wrong_value, "htu");
  return {};
}

JwtResult<void> check_time(const json::object& claims, WallTime now) {
  TRY(const auto issued, time_claim(claims, "iat"));
  const Seconds at{epoch_seconds(now)};
  if (issued > at + kDpopFuture) return refuse(JwtFault::issued_in_future, "iat");
  if (issued < at - kDpopPast) return refuse(JwtFault::too_old, "iat");
  return {};
}

JwtResult<std::string> read_id(const json::object& claims) {
  TRY(const auto id, text_claim(claims, "jti"));
  if (id.size() > kMaxIdBytes) return refuse(JwtFault::bad_claims, "jti");
  return std::string(id);
}

}  // namespace

std::optional<std::string> canonical_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto origin = Origin::of_url(url);
  if (!origin) return std::nullopt;
  const auto path = url.find('/', url.find("://") + 3);
  return origin->text() + (path == std::string_view::npos ? "/" : std::string(url.substr(path)));
}

std::string dpop_token_hash(std::string_view token) {
  return text::base64url(crypto::bytes_of(crypto::sha256(token)));
}

JwtResult<DpopProof> verify_dpop(std::string_view proof, std::string_view method,
                                 std::span<const std::string> urls, WallTime now) {
  if (proof.size() > kMaxDpopBytes) return refuse(JwtFault::too_large);
  TRY(const auto jws, read_compact_jws(proof, {.own_key = OwnKey::taken}));
  TRY(const auto key, key_of(jws));
  if (!key.verify(jws.compact)) return refuse(JwtFault::bad_signature);
  http::JsonBody body;
  TRY(const auto* claims, parse_claims(jws.payload, body));
  TRY(const auto used_with, text_claim(*claims, "htm"));
  if (used_with != method) return refuse(JwtFault::wrong_value, "htm");
  if (const auto fits = check_url(*claims, urls); !fits) return std::unexpected(fits.error());
  if (const auto fits = check_time(*claims, now); !fits) return std::unexpected(fits.error());
  DpopProof out{.thumbprint = *key.thumbprint(), .id = {}, .token_hash = {}};
  TRY(out.id, read_id(*claims));
  if (claims->contains("ath")) {
    TRY(const auto hash, text_claim(*claims, "ath"));
    out.token_hash = hash;
  }
  return out;
}

state::Charge dpop_charge(const http::KeyProof& proof, const http::SessionClaims* session) {
  const std::string_view thumbprint(reinterpret_cast<const char*>(proof.thumbprint.data()),
                                    proof.thumbprint.size());
  const auto holder = session == nullptr ? state::KeyedValue(thumbprint)
                                         : state::KeyedValue(state::session_key(session->id));
  // The key's holder alone could make two ids that collide, and only keep himself out.
  return {.tier = kTier,
          .key = holder.in("proof", proof.id),
          .limit = kRoom,
          .window = kRemembered,
          .cost = kUnits,
          .whole = true};
}

bool is_dpop_replay(const state::AdmitRequest& request, const state::AdmitAnswer& answer) noexcept {
  const auto& admission = answer.admission;
  return !admission.admitted && admission.decided_by < request.count &&
         request.charges[admission.decided_by].tier == kTier;
}

http::Problem dpop_problem(http::Code code, WallTime now) {
  http::Problem out(code);
  out.members = "\"now\":";
  text::append_number(out.members, epoch_seconds(now));
  return out;
}

}  // namespace portcullis::identity

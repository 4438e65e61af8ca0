#include "crypto/jws_key.hpp"

#include <cjose/cjose.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "base/text.hpp"

namespace portcullis::crypto {
namespace {

constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kCoordinateBytes = 32;
constexpr std::size_t kIdBytes = 12;  // 16 characters
constexpr std::array<std::string_view, 3> kNames = {"HS256", "RS256", "ES256"};

struct Release {
  void operator()(cjose_jwk_t* key) const noexcept { cjose_jwk_release(key); }
  void operator()(cjose_jws_t* jws) const noexcept { cjose_jws_release(jws); }
  void operator()(cjose_header_t* header) const noexcept { cjose_header_release(header); }
};
using Jwk = std::unique_ptr<cjose_jwk_t, Release>;
using Jws = std::unique_ptr<cjose_jws_t, Release>;
using JwsHeader = std::unique_ptr<cjose_header_t, Release>;

/// As in digest.cpp: what fails here nobody can mend.
void require(bool ok) {
  if (!ok) std::abort();
}

std::size_t base64url_chars(std::size_t bytes) { return (bytes * 8 + 5) / 6; }

const std::uint8_t* bytes_at(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
/// cjose takes pointers to what it only reads.
std::uint8_t* readable(const std::string& number) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(number.data()));
}

/// Bits of an unsigned big-endian number.
std::size_t bits_of(std::string_view number) {
  number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size()));
  if (number.empty()) return 0;
  return number.size() * 8 - std::countl_zero(static_cast<unsigned char>(number.front()));
}

bool is_odd(std::string_view number) { return !number.empty() && (number.back() & 1) != 0; }

/// Public exponents are 3 or more; of more than 32 bits one only makes a check slow.
bool is_exponent(std::string_view e) { return is_odd(e) && bits_of(e) > 1 && bits_of(e) <= 32; }

/// A thumbprint has the shortest form of each number (RFC 7638 section 3.3).
std::string encoded(std::string_view number) {
  number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size()));
  return text::base64url(number);
}

Sha256 thumbprint_of(const RsaNumbers& key) {
  return sha256(R"({"e":")" + encoded(key.e) + R"(","kty":"RSA","n":")" + encoded(key.n) + R"("})");
}
Sha256 thumbprint_of(const EcNumbers& key) {
  return sha256(R"({"crv":"P-256","kty":"EC","x":")" + text::base64url(key.x) + R"(","y":")" +
                text::base64url(key.y) + R"("})");
}

Jwk new_jwk(const RsaNumbers& key) {
  cjose_jwk_rsa_keyspec spec{};
  const auto set = [](std::uint8_t*& to, std::size_t& length, const std::string& number) {
    if (number.empty()) return;
    to = readable(number);
    length = number.size();
  };
  set(spec.n, spec.nlen, key.n);
  set(spec.e, spec.elen, key.e);
  set(spec.d, spec.dlen, key.d);
  set(spec.p, spec.plen, key.p);
  set(spec.q, spec.qlen, key.q);
  set(spec.dp, spec.dplen, key.dp);
  set(spec.dq, spec.dqlen, key.dq);
  set(spec.qi, spec.qilen, key.qi);
  cjose_err error{};
  return Jwk(cjose_jwk_create_RSA_spec(&spec, &error));
}

Jwk new_jwk(const EcNumbers& key) {
  cjose_jwk_ec_keyspec spec{};
  spec.crv = CJOSE_JWK_EC_P_256;
  spec.x = readable(key.x);
  spec.xlen = key.x.size();
  spec.y = readable(key.y);
  spec.ylen = key.y.size();
  if (!key.d.empty()) {
    spec.d = readable(key.d);
    spec.dlen = key.d.size();
  }
  cjose_err error{};
  return Jwk(cjose_jwk_create_EC_spec(&spec, &error));
}

std::string header_json(JwsAlgorithm algorithm, const JwsKey::Header& header) {
  std::string out = R"({"alg":")";
  out += name_of(algorithm);
  out += R"(","typ":)";
  text::append_json_string(out, header.type);
  out += R"(,"kid":)";
  text::append_json_string(out, header.key);
  return out += '}';
}

}  // namespace

std::string_view name_of(JwsAlgorithm algorithm) noexcept {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<JwsAlgorithm> jws_algorithm(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<JwsAlgorithm>(found - kNames.begin());
}

std::string sign_hs256(const HmacKey& key, std::string_view header, std::string_view payload) {
  std::string token;
  token.reserve(base64url_chars(header.size()) + base64url_chars(payload.size()) +
                base64url_chars(kSha256Bytes) + 2);
  text::append_base64url(token, header);
  token += '.';
  text::append_base64url(token, payload);
  const auto signature = key.sign(token);
  token += '.';
  text::append_base64url(token, bytes_of(signature));
  return token;
}

struct JwsKey::Native {
  Jwk jwk;
};

JwsKey::JwsKey(JwsAlgorithm algorithm, std::unique_ptr<Native> native, std::string id,
               bool can_sign, std::size_t signature_bytes)
    : algorithm_(algorithm),
      native_(std::move(native)),
      id_(std::move(id)),
      can_sign_(can_sign),
      signature_chars_(base64url_chars(signature_bytes)) {}

JwsKey::JwsKey(JwsAlgorithm algorithm, std::unique_ptr<Native> native, const Sha256& thumbprint,
               bool can_sign, std::size_t signature_bytes)
    : JwsKey(algorithm, std::move(native),
             text::base64url(bytes_of(thumbprint).substr(0, kIdBytes)), can_sign, signature_bytes) {
  thumbprint_ = thumbprint;
}

JwsKey::JwsKey(JwsKey&&) noexcept = default;
JwsKey& JwsKey::operator=(JwsKey&&) noexcept = default;
JwsKey::~JwsKey() = default;

Result<JwsKey> JwsKey::hmac(std::string_view secret) {
  if (secret.size() < kMinSecretBytes) {
    return fail(ErrorCode::invalid_input, "a secret for HS256 has at least 32 bytes");
  }
  cjose_err error{};
  Jwk jwk(cjose_jwk_create_oct_spec(bytes_at(secret), secret.size(), &error));
  require(jwk != nullptr);
  JwsKey key(JwsAlgorithm::hs256, std::make_unique<Native>(std::move(jwk)),
             text::base64url(hkdf(secret, "portcullis jwt key id v1", kIdBytes)), true,
             kSha256Bytes);
  key.hmac_.emplace(secret);
  return key;
}

Result<JwsKey> JwsKey::rsa(const RsaNumbers& numbers) {
  const std::size_t bits = bits_of(numbers.n);
  if (bits < kMinRsaBits) return fail(ErrorCode::invalid_input, "RSA keys have 2048 bits or more");
  if (bits > kMaxRsaBits) return fail(ErrorCode::invalid_input, "RSA keys have 8192 bits at most");
  if (!is_odd(numbers.n) || !is_exponent(numbers.e)) {
    return fail(ErrorCode::invalid_input, "the numbers are no RSA key");
  }
  Jwk jwk = new_jwk(numbers);
  ERR_clear_error();
  if (!jwk) return fail(ErrorCode::invalid_input, "the numbers are no RSA key");
  JwsKey key(JwsAlgorithm::rs256, std::make_unique<Native>(std::move(jwk)), thumbprint_of(numbers),
             !numbers.d.empty(), (bits + 7) / 8);
  if (!key.can_sign()) return key;
  return proven(std::move(key), rsa({.n = numbers.n, .e = numbers.e}));
}

Result<JwsKey> JwsKey::ec(const EcNumbers& numbers) {
  if (numbers.x.size() != kCoordinateBytes || numbers.y.size() != kCoordinateBytes) {
    return fail(ErrorCode::invalid_input, "a coordinate on P-256 has 32 bytes");
  }
  Jwk jwk = new_jwk(numbers);
  ERR_clear_error();
  if (!jwk) return fail(ErrorCode::invalid_input, "the point is not on P-256");
  JwsKey key(JwsAlgorithm::es256, std::make_unique<Native>(std::move(jwk)), thumbprint_of(numbers),
             !numbers.d.empty(), 2 * kCoordinateBytes);
  if (!key.can_sign()) return key;
  return proven(std::move(key), ec({.x = numbers.x, .y = numbers.y}));
}

Result<JwsKey> JwsKey::pem(std::string_view pem) {
  TRY(const KeyNumbers numbers, read_pem(pem));
  if (const auto* rsa_key = std::get_if<RsaNumbers>(&numbers)) return rsa(*rsa_key);
  return ec(std::get<EcNumbers>(numbers));
}

Result<JwsKey> JwsKey::proven(JwsKey key, Result<JwsKey> public_half) {
  if (!public_half) return public_half;
  const std::string signed_text = key.try_sign({.type = "test", .key = key.id()}, "test");
  if (signed_text.empty() || !public_half->verify(signed_text)) {
    return fail(ErrorCode::invalid_input, "private and public key do not belong together");
  }
  return key;
}

std::string JwsKey::sign(const Header& header, std::string_view payload) const {
  std::string token = try_sign(header, payload);
  require(!token.empty());
  return token;
}

std::string JwsKey::try_sign(const Header& header, std::string_view payload) const {
  if (hmac_) return sign_hs256(*hmac_, header_json(algorithm_, header), payload);
  cjose_err error{};
  const JwsHeader json(cjose_header_new(&error));
  const auto set = [&](const char* name, std::string_view value) {
    return cjose_header_set(json.get(), name, std::string(value).c_str(), &error);
  };
  require(json && set("alg", name_of(algorithm_)) && set("typ", header.type) &&
          set("kid", header.key));
  const Jws jws(
      cjose_jws_sign(native_->jwk.get(), json.get(), bytes_at(payload), payload.size(), &error));
  const char* compact = nullptr;
  if (!jws || !cjose_jws_export(jws.get(), &compact, &error) || compact == nullptr) {
    ERR_clear_error();
    return {};
  }
  return compact;
}

bool JwsKey::verify(std::string_view compact) const {
  // cjose would cut an ECDSA signature of odd length in halves and not see its last byte.
  if (compact.size() - (compact.rfind('.') + 1) != signature_chars_) return false;
  cjose_err error{};
  const Jws jws(cjose_jws_import(compact.data(), compact.size(), &error));
  const bool verified = jws && cjose_jws_verify(jws.get(), native_->jwk.get(), &error);
  // OpenSSL leaves errors of this thread behind, where TLS would find them.
  if (!verified) ERR_clear_error();
  return verified;
}

}  // namespace portcullis::crypto

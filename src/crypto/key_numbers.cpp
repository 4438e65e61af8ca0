#include "crypto/key_numbers.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

namespace portcullis::crypto {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(BIGNUM* number) const noexcept { BN_clear_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr std::size_t kCoordinateBytes = 32;
constexpr std::size_t kMaxPemBytes = 64 * 1024;

/// Without it OpenSSL would ask for the passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<EVP_PKEY> parse(std::string_view pem) {
  if (pem.empty() || pem.size() > kMaxPemBytes) return nullptr;
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const bool is_private = pem.find("PRIVATE KEY-----") != std::string_view::npos;
  Owned<EVP_PKEY> key(is_private
                          ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)
                          : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

/// A number of the key in at least `width` bytes; empty where the key has no such number.
std::string number_of(const EVP_PKEY* key, const char* name, std::size_t width = 0) {
  BIGNUM* raw = nullptr;
  const bool found = EVP_PKEY_get_bn_param(key, name, &raw) == 1;
  const Owned<BIGNUM> number(raw);
  ERR_clear_error();
  if (!found) return {};
  std::string out(std::max(width, static_cast<std::size_t>(BN_num_bytes(number.get()))), '\0');
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(out.data()),
               static_cast<int>(out.size()));
  return out;
}

RsaNumbers rsa_numbers(const EVP_PKEY* key) {
  return {.n = number_of(key, OSSL_PKEY_PARAM_RSA_N),
          .e = number_of(key, OSSL_PKEY_PARAM_RSA_E),
          .d = number_of(key, OSSL_PKEY_PARAM_RSA_D),
          .p = number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
          .q = number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR2),
          .dp = number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT1),
          .dq = number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT2),
          .qi = number_of(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
}

bool is_on_p256(const EVP_PKEY* key) {
  char name[32] = {};
  return EVP_PKEY_get_group_name(key, name, sizeof name, nullptr) == 1 &&
         std::string_view(name) == "prime256v1";
}

EcNumbers ec_numbers(const EVP_PKEY* key) {
  return {.x = number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes),
          .y = number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes),
          .d = number_of(key, OSSL_PKEY_PARAM_PRIV_KEY, kCoordinateBytes)};
}

}  // namespace

Result<KeyNumbers> read_pem(std::string_view pem) {
  const auto key = parse(pem);
  if (!key) return fail(ErrorCode::malformed, "this is no PEM key without a passphrase");
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_RSA:
      return rsa_numbers(key.get());
    case EVP_PKEY_EC:
      if (is_on_p256(key.get())) return ec_numbers(key.get());
      return fail(ErrorCode::invalid_input, "of elliptic curves only P-256 is supported");
    default:
      return fail(ErrorCode::invalid_input, "only RSA keys and keys on P-256 are supported");
  }
}

}  // namespace portcullis::crypto

#pragma once
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "crypto/digest.hpp"

/// Makes tokens of any kind, good and bad, without the code under test: keys are made at run time
/// and signatures by OpenSSL.
namespace portcullis::forge {

inline void require(bool ok) {
  if (!ok) std::abort();
}

/// header.payload, both as they are.
inline std::string signing_input(std::string_view header, std::string_view payload) {
  return text::base64url(header) + '.' + text::base64url(payload);
}
inline std::string compact(std::string_view header, std::string_view payload,
                           std::string_view signature) {
  return signing_input(header, payload) + '.' + text::base64url(signature);
}
inline std::string hs256(std::string_view secret, std::string_view header,
                         std::string_view payload) {
  const auto mac = crypto::HmacKey(secret).sign(signing_input(header, payload));
  return compact(header, payload, crypto::bytes_of(mac));
}

class PrivateKey {
 public:
  static PrivateKey rsa(unsigned bits = 2048) { return PrivateKey(EVP_RSA_gen(bits)); }
  static PrivateKey ec(const char* curve = "P-256") { return PrivateKey(EVP_EC_gen(curve)); }
  static PrivateKey ed25519() { return PrivateKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

  std::string private_pem() const {
    return written([&](BIO* to) {
      return PEM_write_bio_PKCS8PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  std::string private_pem(std::string_view passphrase) const {
    return written([&](BIO* to) {
      return PEM_write_bio_PKCS8PrivateKey(to, key_.get(), EVP_aes_256_cbc(), passphrase.data(),
                                           static_cast<int>(passphrase.size()), nullptr, nullptr);
    });
  }
  /// "RSA PRIVATE KEY" or "EC PRIVATE KEY".
  std::string old_private_pem() const {
    return written([&](BIO* to) {
      return PEM_write_bio_PrivateKey_traditional(to, key_.get(), nullptr, nullptr, 0, nullptr,
                                                  nullptr);
    });
  }
  std::string public_pem() const {
    return written([&](BIO* to) { return PEM_write_bio_PUBKEY(to, key_.get()); });
  }
  std::string public_der() const {
    return written([&](BIO* to) { return i2d_PUBKEY_bio(to, key_.get()); });
  }

  /// As OpenSSL signs: DER of an EC key, PKCS #1 v1.5 of an RSA key unless another padding is asked
  /// for.
  std::string sign(std::string_view text, const EVP_MD* digest = EVP_sha256(),
                   int padding = 0) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    require(EVP_DigestSignInit(context.get(), &options, digest, nullptr, key_.get()) == 1);
    if (padding != 0) require(EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1);
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) == 1);
    std::string out(size, '\0');
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data,
                           text.size()) == 1);
    out.resize(size);
    return out;
  }
  /// The private operation of RSA on a block that is as long as the key.
  std::string sign_block(std::string_view block) const {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(key_.get(), nullptr), EVP_PKEY_CTX_free);
    require(EVP_PKEY_sign_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1);
    std::size_t size = block.size();
    std::string out(size, '\0');
    require(EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                          reinterpret_cast<const unsigned char*>(block.data()), block.size()) == 1);
    return out;
  }

  /// As JWS wants it: PKCS #1 v1.5, or r and s of `width` bytes each.
  std::string jws_signature(std::string_view text, int width = 32) const {
    const std::string signature = sign(text);
    if (EVP_PKEY_get_base_id(key_.get()) != EVP_PKEY_EC) return signature;
    const auto* at = reinterpret_cast<const unsigned char*>(signature.data());
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())), ECDSA_SIG_free);
    std::string out(2 * static_cast<std::size_t>(width), '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    require(BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), to, width) == width &&
            BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), to + width, width) == width);
    return out;
  }
  std::string jws(std::string_view header, std::string_view payload) const {
    return compact(header, payload, jws_signature(signing_input(header, payload)));
  }

  /// A number of the key, big-endian and as short as it can be.
  std::string number(const char* name) const {
    BIGNUM* number = nullptr;
    require(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
    std::string out(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(out.data()));
    BN_clear_free(number);
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  explicit PrivateKey(EVP_PKEY* key) : key_(key) { require(key != nullptr); }

  template <class Write>
  std::string written(const Write& write) const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    require(write(memory.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, Free> key_;
};

/// One of each kind, made once: RSA keys take a while.
inline const PrivateKey& rsa_key() {
  static const PrivateKey key = PrivateKey::rsa();
  return key;
}
inline const PrivateKey& other_rsa_key() {
  static const PrivateKey key = PrivateKey::rsa();
  return key;
}
inline const PrivateKey& ec_key() {
  static const PrivateKey key = PrivateKey::ec();
  return key;
}
inline const PrivateKey& other_ec_key() {
  static const PrivateKey key = PrivateKey::ec();
  return key;
}

}  // namespace portcullis::forge

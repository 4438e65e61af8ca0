#include "crypto/digest.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/random.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "crypto/hmac_sha1.hpp"

namespace portcullis::crypto {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using Digest = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Deleter<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Deleter<EVP_KDF_CTX_free>>;

/// OpenSSL fails here only where memory ran out or the library is broken: nothing a caller can
/// mend.
void require(bool ok) {
  if (!ok) std::abort();
}

const unsigned char* data_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

MacContext new_hmac(std::string_view key, std::string digest) {
  static const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(mac != nullptr);
  MacContext context(EVP_MAC_CTX_new(mac.get()));
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  require(context && EVP_MAC_init(context.get(), data_of(key), key.size(), params) == 1);
  return context;
}

struct FreeSlots {
  std::mutex mutex;
  std::vector<std::size_t> numbers;
  std::size_t used = 0;
};

FreeSlots& free_slots() {
  static FreeSlots slots;
  return slots;
}

struct ThreadContext {
  MacContext mac;
  std::uint64_t serial = 0;  ///< of the key that it holds
};

EVP_MAC_CTX* thread_context(const HmacKey::Slot& slot, std::string_view key) {
  thread_local std::vector<ThreadContext> contexts;
  if (slot.number >= contexts.size()) contexts.resize(slot.number + 1);
  ThreadContext& context = contexts[slot.number];
  if (context.serial != slot.serial) context = {new_hmac(key, "SHA256"), slot.serial};
  return context.mac.get();
}

}  // namespace

Sha256 sha256(std::string_view data) {
  static const Digest digest(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  thread_local const DigestContext context(EVP_MD_CTX_new());
  Sha256 out;
  unsigned length = 0;
  require(EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
          EVP_DigestFinal_ex(context.get(), out.data(), &length) == 1);
  return out;
}

std::string sha1(std::string_view data) {
  const Digest digest(EVP_MD_fetch(nullptr, "SHA1", nullptr));
  const DigestContext context(EVP_MD_CTX_new());
  std::string out(20, '\0');
  unsigned length = 0;
  require(EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
          EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                             &length) == 1);
  return out;
}

std::string hmac_sha1(std::string_view key, std::string_view data) {
  const MacContext context = new_hmac(key, "SHA1");
  std::string out(20, '\0');
  std::size_t length = 0;
  require(EVP_MAC_update(context.get(), data_of(data), data.size()) == 1 &&
          EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(out.data()), &length,
                        out.size()) == 1);
  return out;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t n = getrandom(out.data() + filled, count - filled, 0);
    require(n > 0);
    filled += static_cast<std::size_t>(n);
  }
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hkdf(std::string_view secret, std::string_view label, std::size_t length) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(label.data()),
                                        label.size()),
      OSSL_PARAM_construct_end()};
  std::string out(length, '\0');
  require(EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), length,
                         params) == 1);
  return out;
}

HmacKey::Slot::Slot() {
  static std::atomic<std::uint64_t> serials{0};
  serial = ++serials;
  auto& slots = free_slots();
  const std::lock_guard lock(slots.mutex);
  if (slots.numbers.empty()) {
    number = slots.used++;
  } else {
    number = slots.numbers.back();
    slots.numbers.pop_back();
  }
}

HmacKey::Slot::~Slot() {
  auto& slots = free_slots();
  const std::lock_guard lock(slots.mutex);
  slots.numbers.push_back(number);
}

HmacKey::HmacKey(std::string_view key) : key_(key), slot_(std::make_shared<const Slot>()) {}

Sha256 HmacKey::sign(std::string_view data) const {
  EVP_MAC_CTX* context = thread_context(*slot_, key_);
  Sha256 out;
  std::size_t length = 0;
  // A null key starts anew under the key that the context already holds.
  require(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
          EVP_MAC_update(context, data_of(data), data.size()) == 1 &&
          EVP_MAC_final(context, out.data(), &length, out.size()) == 1);
  return out;
}

bool HmacKey::verify(std::string_view data, std::string_view mac) const {
  if (mac.size() < 16 || mac.size() > 32) return false;
  const Sha256 expected = sign(data);
  return equal_constant_time(bytes_of(expected).substr(0, mac.size()), mac);
}

}  // namespace portcullis::crypto

#include "crypto/seal.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

#include "crypto/digest.hpp"

namespace portcullis::crypto {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

unsigned char* bytes(char* data) { return reinterpret_cast<unsigned char*>(data); }
const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// One for each thread: making one costs more than a short text.
EVP_CIPHER_CTX* thread_context() {
  thread_local const Context context(EVP_CIPHER_CTX_new());
  return context.get();
}

/// From the kernel, many at a time: a system call for each would cost as much as the rest.
std::string_view next_nonce() {
  constexpr std::size_t kAtATime = 64;
  thread_local std::string pool;
  thread_local std::size_t used = 0;
  if (used == pool.size()) {
    pool = random_bytes(kNonce * kAtATime);
    used = 0;
  }
  used += kNonce;
  return std::string_view(pool).substr(used - kNonce, kNonce);
}

/// As in digest.cpp: what fails here nobody can mend.
void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

std::string seal(std::string_view key, std::string_view context, std::string_view text) {
  require(key.size() == 32);
  std::string out(next_nonce());
  out.resize(kNonce + text.size() + kTag);
  EVP_CIPHER_CTX* const context_of_thread = thread_context();
  int length = 0;
  require(EVP_EncryptInit_ex2(context_of_thread, cipher(), bytes(key), bytes(out.data()),
                              nullptr) == 1 &&
          EVP_EncryptUpdate(context_of_thread, nullptr, &length, bytes(context),
                            static_cast<int>(context.size())) == 1 &&
          EVP_EncryptUpdate(context_of_thread, bytes(out.data() + kNonce), &length, bytes(text),
                            static_cast<int>(text.size())) == 1 &&
          EVP_EncryptFinal_ex(context_of_thread, bytes(out.data() + kNonce + text.size()),
                              &length) == 1 &&
          EVP_CIPHER_CTX_ctrl(context_of_thread, EVP_CTRL_GCM_GET_TAG, kTag,
                              out.data() + kNonce + text.size()) == 1);
  return out;
}

std::optional<std::string> open_sealed(std::string_view key, std::string_view context,
                                       std::string_view sealed) {
  require(key.size() == 32);
  if (sealed.size() < kNonce + kTag) return std::nullopt;
  const std::string_view text = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string tag(sealed.substr(kNonce + text.size()));
  std::string out(text.size() + 1, '\0');  // never empty: a null output means associated data
  EVP_CIPHER_CTX* const context_of_thread = thread_context();
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex2(context_of_thread, cipher(), bytes(key), bytes(sealed), nullptr) == 1 &&
      EVP_DecryptUpdate(context_of_thread, nullptr, &length, bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(context_of_thread, bytes(out.data()), &length, bytes(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context_of_thread, EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context_of_thread, bytes(out.data() + text.size()), &length) == 1;
  if (!opened) return std::nullopt;
  out.resize(text.size());
  return out;
}

}  // namespace portcullis::crypto

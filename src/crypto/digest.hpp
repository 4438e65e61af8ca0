#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// Digests, message authentication, key derivation and random bytes. Only this module uses
/// OpenSSL's EVP interface (TLS itself lives in net/).
namespace portcullis::crypto {

using Sha256 = std::array<std::uint8_t, 32>;

inline std::string_view bytes_of(const Sha256& digest) noexcept {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// Threads: safe from any (a context per thread).  Cost: about 0.4 us for short input.
Sha256 sha256(std::string_view data);

/// For protocols that name things by it, and for nothing that anybody must not forge. 20 bytes.
std::string sha1(std::string_view data);

/// Bytes from the kernel's generator, fit for keys and ids.
std::string random_bytes(std::size_t count);

/// Compares in time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

/// RFC 5869 with SHA-256 and no salt: one secret, many keys that tell nothing of each other.
std::string hkdf(std::string_view secret, std::string_view label, std::size_t length = 32);

/// HMAC-SHA256 (RFC 2104) under one key, set up once.
///
/// Threads: safe from any; every thread keeps its own prepared context.
/// Cost:    one or two compressions more than the input needs, about 0.5 us for short input.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  Sha256 sign(std::string_view data) const;
  /// `mac` may be a truncation of at least 16 bytes.
  bool verify(std::string_view data, std::string_view mac) const;

  /// Where each thread keeps its context for this key. Another key has the place after it.
  struct Slot {
    Slot();
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    std::size_t number = 0;
    std::uint64_t serial = 0;  ///< no other slot ever has it
  };

 private:
  std::string key_;
  std::shared_ptr<const Slot> slot_;
};

}  // namespace portcullis::crypto

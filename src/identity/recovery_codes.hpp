#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.hpp"

namespace portcullis::identity {

/// Codes for whoever has lost the device that makes one-time passwords. They are shown once, when
/// they are made; a store keeps keyed hashes of them and forgets each at its use.
///
/// A code has 80 random bits in four groups of four characters of base32, which are read without
/// regard to case, spaces and hyphens.
///
/// Threads: immutable; any.
/// Cost:    an HMAC a code and secret.
class RecoveryCodes {
 public:
  static constexpr std::size_t kCount = 10;

  /// The first secret hashes new ones, all are tried. REQUIRES: not empty.
  explicit RecoveryCodes(const std::vector<std::string>& secrets);

  struct Set {
    std::vector<std::string> texts;   ///< "ABCD-EFGH-IJKL-MNOP", for the user
    std::vector<std::string> hashes;  ///< of each, for the store
  };
  Set make(std::string_view user) const;

  /// As what a code may be stored, one hash a secret; none where it has another form.
  std::vector<std::string> hashes_of(std::string_view user, std::string_view typed) const;

 private:
  std::vector<crypto::HmacKey> keys_;
};

}  // namespace portcullis::identity

#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

namespace portcullis::crypto {

/// The numbers of an RSA key (RFC 8017 section 3), unsigned and big-endian. A public key has `n`
/// and `e` only.
struct RsaNumbers {
  std::string n, e;
  std::string d = {}, p = {}, q = {}, dp = {}, dq = {}, qi = {};
};

/// The numbers of a key on the curve P-256: the point and, of a private key, `d`, 32 bytes each.
struct EcNumbers {
  std::string x, y;
  std::string d = {};
};

using KeyNumbers = std::variant<RsaNumbers, EcNumbers>;

/// Reads a public or private key in PEM (RFC 7468; PKCS #8, SubjectPublicKeyInfo and the older
/// forms of RSA and EC keys). Whether the numbers are strong and belong together is for whoever
/// makes a key of them.
///
/// @returns malformed where it is no key or one with a passphrase, invalid_input where it is
/// neither RSA nor on P-256.
Result<KeyNumbers> read_pem(std::string_view pem);

}  // namespace portcullis::crypto

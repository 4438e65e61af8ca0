#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace portcullis::identity {

/// One-time passwords from the clock: HMAC-SHA1, 6 digits, steps of 30 s, as all authenticator
/// programs make them.
///
/// Threads: any.
/// Cost:    about 1 us for each step that is looked at.
/// Source:  RFC 6238; RFC 4226 section 5.3 (truncation), section 7.2 (a password serves once).

/// As many bytes as a digest has (RFC 4226 section 4, R6).
inline constexpr std::size_t kTotpSecretBytes = 20;
inline constexpr std::size_t kTotpDigits = 6;
inline constexpr Seconds kTotpStep{30};

std::string new_totp_secret();

/// The password of one count: kTotpDigits digits.
std::string hotp(std::string_view secret, std::uint64_t count);

/// The step that a time lies in.
std::int64_t totp_step(WallTime time) noexcept;

/// The step whose password `code` is: that of `now`, the one before or the one after, and later
/// than `last_used`. Whoever accepts it stores it as the last one used, atomically, or one code
/// serves twice.
std::optional<std::int64_t> accepted_totp_step(std::string_view secret, std::string_view code,
                                               std::int64_t last_used, WallTime now);

/// What authenticator programs read from a QR code: "otpauth://totp/...".
///
/// Source: github.com/google/google-authenticator/wiki/Key-Uri-Format.
std::string totp_uri(std::string_view issuer, std::string_view account, std::string_view secret);

/// Seals secrets for a store, so that whoever reads that alone makes no codes, and whoever writes
/// it cannot give one user the secret of another.
///
/// Threads: immutable; any.
class TotpVault {
 public:
  /// The first secret seals, all open. REQUIRES: not empty.
  explicit TotpVault(const std::vector<std::string>& secrets);

  std::string seal(std::string_view user, std::string_view totp_secret) const;
  std::optional<std::string> open(std::string_view user, std::string_view sealed) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace portcullis::identity

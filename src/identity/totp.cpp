#include "identity/totp.hpp"

#include <algorithm>

#include "base/base32.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac_sha1.hpp"
#include "crypto/seal.hpp"

namespace portcullis::identity {
namespace {

constexpr std::uint32_t kModulus = 1'000'000;  // kTotpDigits
constexpr std::int64_t kDrift = 1;             // RFC 6238 section 5.2: one step for the network

unsigned byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

std::string big_endian(std::uint64_t number) {
  std::string out(8, '\0');
  for (auto byte = out.rbegin(); byte != out.rend(); ++byte, number >>= 8) {
    *byte = static_cast<char>(number & 0xff);
  }
  return out;
}

/// RFC 3986 section 2.1.
std::string percent_encode(std::string_view s) {
  std::string out;
  for (const char c : s) {
    if (text::is_alnum(c) || std::string_view("-._~").contains(c)) {
      out += c;
    } else {
      (out += '%') += text::to_upper(text::hex(std::string_view(&c, 1)));
    }
  }
  return out;
}

}  // namespace

std::string new_totp_secret() { return crypto::random_bytes(kTotpSecretBytes); }

std::string hotp(std::string_view secret, std::uint64_t count) {
  const std::string mac = crypto::hmac_sha1(secret, big_endian(count));
  const std::size_t at = byte_at(mac, mac.size() - 1) & 0xf;
  const std::uint32_t truncated = (byte_at(mac, at) & 0x7f) << 24 | byte_at(mac, at + 1) << 16 |
                                  byte_at(mac, at + 2) << 8 | byte_at(mac, at + 3);
  const std::string digits = std::to_string(truncated % kModulus);
  return std::string(kTotpDigits - digits.size(), '0') + digits;
}

std::int64_t totp_step(WallTime time) noexcept { return epoch_seconds(time) / kTotpStep.count(); }

std::optional<std::int64_t> accepted_totp_step(std::string_view secret, std::string_view code,
                                               std::int64_t last_used, WallTime now) {
  if (code.size() != kTotpDigits || !std::ranges::all_of(code, text::is_digit)) return std::nullopt;
  std::optional<std::int64_t> accepted;
  const std::int64_t current = totp_step(now);
  // All are computed whatever the first says: time tells nothing of which it was.
  for (std::int64_t step = std::max<std::int64_t>(0, current - kDrift); step <= current + kDrift;
       ++step) {
    const auto expected = hotp(secret, static_cast<std::uint64_t>(step));
    const bool equal = crypto::equal_constant_time(expected, code);
    if (equal && step > last_used && !accepted) accepted = step;
  }
  return accepted;
}

std::string totp_uri(std::string_view issuer, std::string_view account, std::string_view secret) {
  const std::string name = percent_encode(issuer);
  std::string out = "otpauth://totp/" + name + ':' + percent_encode(account);
  out += "?secret=" + text::base32(secret) + "&issuer=" + name;
  out += "&algorithm=SHA1&digits=" + std::to_string(kTotpDigits);
  return out + "&period=" + std::to_string(kTotpStep.count());
}

TotpVault::TotpVault(const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) keys_.push_back(crypto::hkdf(secret, "portcullis totp v1"));
}

std::string TotpVault::seal(std::string_view user, std::string_view totp_secret) const {
  return crypto::seal(keys_.front(), user, totp_secret);
}

std::optional<std::string> TotpVault::open(std::string_view user, std::string_view sealed) const {
  for (const auto& key : keys_) {
    if (auto opened = crypto::open_sealed(key, user, sealed)) return opened;
  }
  return std::nullopt;
}

}  // namespace portcullis::identity

#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/digest.hpp"
#include "identity/accounts.hpp"

namespace portcullis::identity {

/// A key as its holder sends it: "pck_" prefix "_" secret checksum, 64 characters in all. Its form
/// is right; whether it is a key of ours a store and ApiKeys::matches() say.
///
/// Ownership: views of the text that was parsed.
struct ApiKeyText {
  std::string_view prefix;  ///< 12 of 'a' to 'z' and '2' to '7': names the key, tells nothing of it
  std::string_view secret;  ///< 256 random bits, base64url
};

/// Why a text is no key: what somebody mistyped is told from what somebody tries, without asking a
/// store.
enum class ApiKeyFault : std::uint8_t {
  foreign,    ///< does not begin as our keys do: a credential of another kind
  malformed,  ///< begins so, and has another form: nobody got it from us
  mistyped,   ///< has the form, and a character is not what it was when it was made
};

inline constexpr std::string_view kApiKeyMark = "pck_";
inline constexpr std::size_t kApiKeyBytes = 64;

/// Strict: a key has one spelling.
///
/// Threads: any.
/// Cost:    one SHA-256, about 0.2 us; nothing but a comparison where mark or length are wrong.
std::expected<ApiKeyText, ApiKeyFault> parse_api_key(std::string_view text);

/// Whether this may be ApiKeyText::prefix.
bool is_api_key_prefix(std::string_view text) noexcept;

/// Makes keys and checks them. What is stored is an HMAC under a key that the store does not have:
/// 256 random bits need no slow hash, and whoever writes to the store alone makes no key.
///
/// Threads: immutable; any.
/// Cost:    to check a key an HMAC for each secret in use (one outside of a key change), 0.3 us.
class ApiKeys {
 public:
  static constexpr std::size_t kHashBytes = 32;

  /// The first secret makes new ones, all check. REQUIRES: not empty.
  explicit ApiKeys(const std::vector<std::string>& secrets);

  struct Minted {
    std::string text;  ///< for the owner, once; kept nowhere
    ApiKey record;     ///< for the store
  };
  /// Takes name, owner, scopes, site, expiry and limit of `wanted`.
  Minted mint(ApiKey wanted, WallTime now) const;

  /// In constant time.
  bool matches(const ApiKeyText& text, const ApiKey& record) const;

 private:
  std::vector<crypto::HmacKey> keys_;
};

}  // namespace portcullis::identity

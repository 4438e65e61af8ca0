#include "identity/api_keys.hpp"

#include <algorithm>

#include "base/base32.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace portcullis::identity {
namespace {

constexpr std::size_t kPrefixChars = 12;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretChars = 43;
constexpr std::size_t kChecksumBytes = 3;  // one in 16 million other texts passes
constexpr std::size_t kChecksumChars = 4;
constexpr std::size_t kSecretAt = kApiKeyMark.size() + kPrefixChars + 1;
constexpr std::size_t kChecksumAt = kSecretAt + kSecretChars;
static_assert(kChecksumAt + kChecksumChars == kApiKeyBytes);

constexpr bool is_prefix_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}
constexpr bool is_base64url_char(char c) noexcept {
  return text::is_alnum(c) || c == '-' || c == '_';
}

/// Of all that stands before it.
std::string checksum_of(std::string_view before) {
  return text::base64url(crypto::bytes_of(crypto::sha256(before)).substr(0, kChecksumBytes));
}

/// Bound to the prefix, so that a hash moved to another row opens nothing.
crypto::Sha256 hash_of(const crypto::HmacKey& key, const ApiKeyText& text) {
  std::string input(text.prefix);
  input += text.secret;  // behind a part of fixed length
  return key.sign(input);
}

std::string new_prefix() {
  return text::to_lower(text::base32(crypto::random_bytes(8))).substr(0, kPrefixChars);
}

}  // namespace

bool is_api_key_prefix(std::string_view text) noexcept {
  return text.size() == kPrefixChars && std::ranges::all_of(text, is_prefix_char);
}

std::expected<ApiKeyText, ApiKeyFault> parse_api_key(std::string_view text) {
  if (!text.starts_with(kApiKeyMark)) return std::unexpected(ApiKeyFault::foreign);
  if (text.size() != kApiKeyBytes || text[kSecretAt - 1] != '_') {
    return std::unexpected(ApiKeyFault::malformed);
  }
  const ApiKeyText out{.prefix = text.substr(kApiKeyMark.size(), kPrefixChars),
                       .secret = text.substr(kSecretAt, kSecretChars)};
  if (!is_api_key_prefix(out.prefix) ||
      !std::ranges::all_of(text.substr(kSecretAt), is_base64url_char)) {
    return std::unexpected(ApiKeyFault::malformed);
  }
  if (checksum_of(text.substr(0, kChecksumAt)) != text.substr(kChecksumAt)) {
    return std::unexpected(ApiKeyFault::mistyped);
  }
  return out;
}

ApiKeys::ApiKeys(const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets)
    keys_.emplace_back(crypto::hkdf(secret, "portcullis api key v1"));
}

ApiKeys::Minted ApiKeys::mint(ApiKey wanted, WallTime now) const {
  Minted out;
  const std::string prefix = new_prefix();
  out.text.append(kApiKeyMark).append(prefix).append("_");
  text::append_base64url(out.text, crypto::random_bytes(kSecretBytes));
  out.text += checksum_of(out.text);
  const ApiKeyText parts{.prefix = prefix,
                         .secret = std::string_view(out.text).substr(kSecretAt, kSecretChars)};
  out.record = std::move(wanted);
  out.record.id = Ulid::make(now).text();
  out.record.prefix = prefix;
  out.record.hash = crypto::bytes_of(hash_of(keys_.front(), parts));
  out.record.created = now;
  return out;
}

bool ApiKeys::matches(const ApiKeyText& text, const ApiKey& record) const {
  if (record.hash.size() != kHashBytes) return false;
  return std::ranges::any_of(keys_, [&](const auto& key) {
    return crypto::equal_constant_time(crypto::bytes_of(hash_of(key, text)), record.hash);
  });
}

}  // namespace portcullis::identity

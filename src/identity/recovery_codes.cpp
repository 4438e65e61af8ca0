#include "identity/recovery_codes.hpp"

#include "base/base32.hpp"
#include "base/text.hpp"

namespace portcullis::identity {
namespace {

constexpr std::size_t kCodeBytes = 10;
constexpr std::size_t kCodeChars = 16;
constexpr std::size_t kGroup = 4;
/// Longest input that is looked at: a space beside every character.
constexpr std::size_t kMaxTyped = 2 * kCodeChars + 2;

std::string grouped(std::string_view code) {
  std::string out(code.substr(0, kGroup));
  for (std::size_t i = kGroup; i < code.size(); i += kGroup) {
    (out += '-') += code.substr(i, kGroup);
  }
  return out;
}

/// The bytes of a code; empty where it is none.
std::string bytes_of_typed(std::string_view typed) {
  if (typed.size() > kMaxTyped) return {};
  std::string code;
  for (const char c : typed) {
    if (c != '-' && c != ' ') code += c;
  }
  if (code.size() != kCodeChars) return {};
  return text::base32_decode(code).value_or(std::string());
}

/// For one user, so that a row moved to another one opens nothing.
std::string hash_of(const crypto::HmacKey& key, std::string_view user, std::string_view bytes) {
  std::string input(bytes);
  input += user;  // behind a part of fixed length, so no two pairs read the same
  return std::string(crypto::bytes_of(key.sign(input)));
}

}  // namespace

RecoveryCodes::RecoveryCodes(const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    keys_.emplace_back(crypto::hkdf(secret, "portcullis recovery code v1"));
  }
}

RecoveryCodes::Set RecoveryCodes::make(std::string_view user) const {
  Set out;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string bytes = crypto::random_bytes(kCodeBytes);
    out.texts.push_back(grouped(text::base32(bytes)));
    out.hashes.push_back(hash_of(keys_.front(), user, bytes));
  }
  return out;
}

std::vector<std::string> RecoveryCodes::hashes_of(std::string_view user,
                                                  std::string_view typed) const {
  std::vector<std::string> out;
  const std::string bytes = bytes_of_typed(typed);
  if (bytes.empty()) return out;
  for (const auto& key : keys_) out.push_back(hash_of(key, user, bytes));
  return out;
}

}  // namespace portcullis::identity

#include "identity/passwords.hpp"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/wipe.hpp"

namespace portcullis::identity {
namespace {

constexpr const char* kPrefix = "$2b$";
constexpr std::size_t kSettingBytes = 29;  // "$2b$12$" and 22 characters of salt
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kLeastMinCharacters = 8;
constexpr std::size_t kMostMinCharacters = 64;
/// What a stored hash may cost at most to be looked at; from elsewhere it may cost less than ours.
constexpr unsigned kLeastStoredCost = 4;

/// In lower case. What people choose where a certain length is asked for, from published lists of
/// what leaked; shorter ones are refused by their length unless the rules allow it.
constexpr auto kWellKnown = std::to_array<std::string_view>({
    "password",
    "passw0rd",
    "password1",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "p@ssw0rd1234",
    "passwordpassword",
    "mypassword123",
    "passwort1234",
    "changeme",
    "changeme1234",
    "changemenow!",
    "letmein12345",
    "letmeinletmein",
    "welcome12345",
    "welcome123456",
    "administrator",
    "administrator1",
    "admin123",
    "admin1234567",
    "adminadmin12",
    "adminadminadmin",
    "rootrootroot",
    "portcullis123",
    "portcullis1234",
    "12345678",
    "123456789",
    "1234567890",
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456123456",
    "123123123123",
    "111222333444",
    "123412341234",
    "098765432109",
    "987654321098",
    "0123456789ab",
    "0123456789abcdef",
    "123456789abc",
    "abcd12345678",
    "abcdefgh",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefg12345",
    "abcabcabcabc",
    "qwertyui",
    "qwerty123",
    "qwertyuiop",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiop[]",
    "qwerty123456",
    "qwertyqwerty",
    "1q2w3e4r",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "qazwsxedcrfv",
    "zaq12wsxcde3",
    "asdfghjkl123",
    "asdfghjkl;'#",
    "zxcvbnm12345",
    "iloveyou1234",
    "iloveyouiloveyou",
    "iloveyouforever",
    "correcthorsebatterystaple",
    "trustno1trustno1",
    "thisismypassword",
    "sunshine1234",
    "football1234",
    "baseball1234",
    "princess1234",
    "superman1234",
    "monkey123456",
    "dragon123456",
});

bool is_one_character_repeated(std::string_view password) {
  const std::size_t width = text::code_point_at(password, 0).bytes;
  return password.substr(width) == password.substr(0, password.size() - width);
}

bool is_well_known(std::string_view password) {
  if (is_one_character_repeated(password)) return true;
  return std::ranges::any_of(kWellKnown,
                             [&](auto known) { return text::iequals(known, password); });
}

/// The cost of a hash of ours, or of one of our form from elsewhere.
std::optional<unsigned> cost_of(std::string_view hash) noexcept {
  if (hash.size() != Passwords::kHashBytes || !hash.starts_with(kPrefix) || hash[6] != '$') {
    return std::nullopt;
  }
  const auto cost = text::parse_number<unsigned>(hash.substr(4, 2));
  if (!cost || *cost < kLeastStoredCost || *cost > Passwords::kMaxCost) return std::nullopt;
  return cost;
}

/// `setting`: the beginning of a hash. Empty where libxcrypt does not take it. Of `password` the
/// first 72 bytes up to a NUL are read: callers have seen to it that there is no more.
std::string bcrypt(std::string_view password, std::string_view setting) {
  std::array<char, Passwords::kMaxBytes + 1> phrase{};
  const crypto::WipeAtEnd wipe_phrase(phrase);
  std::ranges::copy(password.substr(0, Passwords::kMaxBytes), phrase.begin());
  const std::string of(setting);
  crypt_data work{};
  const crypto::WipeAtEnd wipe_work({reinterpret_cast<char*>(&work), sizeof work});
  const char* const out = crypt_rn(phrase.data(), of.c_str(), &work, sizeof work);
  return out == nullptr ? std::string() : std::string(out);
}

std::string new_setting(unsigned cost) {
  const std::string salt = crypto::random_bytes(kSaltBytes);
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> out{};
  const char* const setting =
      crypt_gensalt_rn(kPrefix, cost, salt.data(), static_cast<int>(salt.size()), out.data(),
                       static_cast<int>(out.size()));
  return setting == nullptr ? std::string() : std::string(setting);
}

Result<std::string> new_hash(std::string_view password, unsigned cost) {
  std::string hash = bcrypt(password, new_setting(cost));
  if (cost_of(hash) != cost) {
    return fail(ErrorCode::internal, "libxcrypt of this machine has no bcrypt");
  }
  return hash;
}

bool could_be_hashed(std::string_view password) {
  return password.size() <= Passwords::kMaxBytes && password.find('\0') == std::string_view::npos;
}

}  // namespace

std::string_view text_of(PasswordFault fault) noexcept {
  switch (fault) {
    case PasswordFault::too_short:
      return "is too short";
    case PasswordFault::too_long:
      return "is longer than 72 bytes";
    case PasswordFault::not_text:
      return "is not UTF-8 text without NUL";
    case PasswordFault::well_known:
      return "is one of those that are tried first";
  }
  return {};
}

Result<Passwords> Passwords::make(const Rules& rules) {
  if (rules.cost < kMinCost || rules.cost > kMaxCost) {
    return fail(ErrorCode::invalid_input, "the cost of passwords must be 10 to 16");
  }
  if (rules.min_characters < kLeastMinCharacters || rules.min_characters > kMostMinCharacters) {
    return fail(ErrorCode::invalid_input, "passwords must have at least 8 to 64 characters");
  }
  std::string unknown = text::base64url(crypto::random_bytes(32));
  auto nobody = new_hash(unknown, rules.cost);
  crypto::wipe(unknown);
  if (!nobody) return std::unexpected(std::move(nobody).error());
  return Passwords(rules, *std::move(nobody));
}

std::optional<PasswordFault> Passwords::fault_in(std::string_view password) const {
  if (password.size() > kMaxBytes) return PasswordFault::too_long;
  if (!could_be_hashed(password) || !text::is_utf8(password)) return PasswordFault::not_text;
  if (text::utf8_length(password) < rules_.min_characters) return PasswordFault::too_short;
  if (is_well_known(password)) return PasswordFault::well_known;
  return std::nullopt;
}

Result<std::string> Passwords::hash(std::string_view password) const {
  if (const auto fault = fault_in(password)) {
    return fail(ErrorCode::invalid_input, "the password " + std::string(text_of(*fault)),
                ErrorOrigin::client);
  }
  return new_hash(password, rules_.cost);
}

Result<bool> Passwords::verify(std::string_view password, std::string_view hash) const {
  if (hash.empty()) {
    verify_nothing(password);
    return false;
  }
  if (!cost_of(hash)) return fail(ErrorCode::malformed, "what is stored is no hash of bcrypt");
  std::string computed = bcrypt(password, hash.substr(0, kSettingBytes));
  const bool equal = crypto::equal_constant_time(computed, hash) && could_be_hashed(password);
  crypto::wipe(computed);
  return equal;
}

void Passwords::verify_nothing(std::string_view password) const {
  std::ignore = verify(password, nobody_);
}

bool Passwords::needs_rehash(std::string_view hash) const noexcept {
  return cost_of(hash) != rules_.cost;
}

}  // namespace portcullis::identity

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace portcullis::identity {

/// Why a password may not be chosen.
enum class PasswordFault : std::uint8_t {
  too_short,
  too_long,    ///< bcrypt takes 72 bytes, and nothing of a password is ever cut off
  not_text,    ///< no UTF-8, or with a NUL, at which bcrypt would stop reading
  well_known,  ///< one of those that are tried first
};

/// For whoever chose it.
std::string_view text_of(PasswordFault fault) noexcept;

/// Hashes passwords and compares them: bcrypt with a salt of 128 random bits each, by libxcrypt.
///
/// Threads: immutable; any. hash(), verify() and verify_nothing() compute for as long as the cost
///          says and belong on a net::Background at idle priority, never on a worker. They take no
///          lock.
/// Errors:  hash: invalid_input where fault_in() finds one. verify: malformed where what is stored
///          is no hash of ours.
/// Units:   cost is the logarithm of the number of rounds.
/// Cost:    with cost 10, 11, 12 and 13 about 50, 100, 200 and 400 ms.
/// Source:  Provos and Mazieres, "A Future-Adaptable Password Scheme", USENIX 1999; NIST SP
///          800-63B section 5.1.1.2 (length, lists of known passwords, no rules of composition).
class Passwords {
 public:
  static constexpr std::size_t kMaxBytes = 72;
  static constexpr unsigned kMinCost = 10;
  static constexpr unsigned kMaxCost = 16;
  static constexpr std::size_t kHashBytes = 60;

  struct Rules {
    unsigned cost = 12;
    std::size_t min_characters = 12;  ///< 8 to 64
  };
  /// Takes as long as one hash. @returns invalid_input for rules out of their bounds.
  static Result<Passwords> make(const Rules& rules);

  /// Why it may not be chosen; nothing where it may.
  std::optional<PasswordFault> fault_in(std::string_view password) const;

  /// "$2b$", cost, salt and digest: kHashBytes characters.
  Result<std::string> hash(std::string_view password) const;

  /// Whether it is the password of this hash. One that could not have been hashed is wrong after
  /// the same time, and so is every one of an account without a password, whose hash is "".
  Result<bool> verify(std::string_view password, std::string_view hash) const;
  /// Takes as long as verify() of a hash of this cost, for a name that nobody has: so that time
  /// does not tell which names there are.
  void verify_nothing(std::string_view password) const;

  /// Whether a password that has just been verified should be hashed anew.
  bool needs_rehash(std::string_view hash) const noexcept;

 private:
  Passwords(const Rules& rules, std::string nobody) : rules_(rules), nobody_(std::move(nobody)) {}

  Rules rules_;
  std::string nobody_;  ///< the hash of a password that is not known
};

}  // namespace portcullis::identity

#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/digest.hpp"

namespace portcullis::identity {

/// A task that costs its solver a bounded amount of work: to find the number n, of which it is only
/// told that it is at most `max_number`, where SHA-256(salt ‖ n in decimal) is `target`.
struct Challenge {
  std::string salt;    ///< when it expires, and 96 random bits
  std::string target;  ///< 64 hex digits
  std::uint32_t max_number = 0;
  std::string signature;  ///< base64url

  /// The JSON object that clients get.
  std::string json() const;
};

/// Makes challenges and checks their solutions. Nothing is kept of one: whoever made it is known by
/// its signature, and for whom. Where the challenge itself is another's, a captcha, its holder has
/// a ticket that says he was asked. That a solution serves once is for the caller to see to, by its
/// salt.
///
/// The number is chosen here and searched from the start there, so no solver is unlucky for long:
/// max_number steps at most, half of them on average.
///
/// Threads: immutable; any.
/// Cost:    a digest and a signature, about 1.5 us, to make one and to check one.
class Challenges {
 public:
  /// Longest solution that is looked at.
  static constexpr std::size_t kMaxSolutionBytes = 256;

  explicit Challenges(std::string_view secret);

  /// `holder`: whom it is for, as bytes; a solution serves nobody else.
  Challenge make(std::string_view holder, std::uint32_t max_number, Seconds life,
                 WallTime now) const;

  enum class Outcome : std::uint8_t { solved, wrong, expired };
  struct Checked {
    Outcome outcome = Outcome::wrong;
    std::string_view salt;  ///< of a solved one; a view into the solution
    Seconds left{0};        ///< until it would have expired
  };
  /// `solution`: "salt.number.signature".
  Checked check(std::string_view solution, std::string_view holder, WallTime now) const;

  /// Says that `holder` was asked: letters, digits, `-` and `_`, tied to nothing that others know.
  std::string ticket(std::string_view holder, Seconds life, WallTime now) const;
  /// `salt` of the outcome is what a ticket serves once by.
  Checked check_ticket(std::string_view ticket, std::string_view holder, WallTime now) const;

 private:
  Checked judge(std::string_view salt, std::string_view target, std::string_view signature,
                std::string_view holder, WallTime now) const;
  std::string signature_of(std::string_view salt, std::string_view target,
                           std::string_view holder) const;

  crypto::HmacKey key_;
};

}  // namespace portcullis::identity

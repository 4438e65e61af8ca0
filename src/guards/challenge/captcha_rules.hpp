#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/captcha_values.hpp"
#include "identity/captcha_verifier.hpp"
#include "pipeline/route.hpp"

namespace portcullis::guards {

/// How long a challenge may be answered.
inline constexpr Seconds kChallengeLife{300};
/// What pages name their captcha by, where its provider tells that back.
inline constexpr std::string_view kCaptchaAction = "portcullis";

/// What a client sends for a captcha: "turnstile.ticket.token". Views into it.
struct CaptchaSolution {
  std::string_view ticket;
  std::string_view token;

  /// @returns nullopt where it is none for this provider: another's name, a token too long or with
  ///          characters that no token has.
  static std::optional<CaptchaSolution> parse(std::string_view text,
                                              const config::CaptchaProvider& provider);
};

/// The ticket of a client that says it cannot show the captcha: "fallback.ticket".
std::optional<std::string_view> declined_ticket(std::string_view text) noexcept;

/// What a good answer must agree with.
struct CaptchaTerms {
  const config::CaptchaProvider& provider;
  std::string_view ticket;
  const pipeline::Site& site;
  const std::optional<Origin>& origin;  ///< of the page that sends the token
  WallTime now;
};

enum class CaptchaOutcome : std::uint8_t {
  solved,
  wrong,    ///< the provider does not accept it
  expired,  ///< solved too long ago, or not yet
  foreign,  ///< solved on another page, for another purpose, or by another visitor
};

/// Whether the visitor passed, by what the provider says of his token.
CaptchaOutcome judge_captcha(const identity::CaptchaAnswer& answer, const CaptchaTerms& terms);

}  // namespace portcullis::guards

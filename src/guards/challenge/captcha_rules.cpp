#include "guards/challenge/captcha_rules.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::guards {
namespace {

/// By how much the provider's clock may be ahead of ours.
constexpr Seconds kSkew{60};
constexpr std::string_view kDeclined = "fallback";

/// What stands before the first dot, and what behind it.
std::optional<std::pair<std::string_view, std::string_view>> cut(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  return std::pair(text.substr(0, dot), text.substr(dot + 1));
}

/// Those of base64url, and what divides the parts of a token: nothing that anything between here
/// and the provider could take for an attack.
bool is_token_char(char c) noexcept {
  return text::is_alnum(c) || c == '-' || c == '_' || c == '.';
}

bool is_page_of_site(std::string_view host, const CaptchaTerms& terms) {
  if (terms.origin && terms.origin->host == host) return true;
  return std::ranges::any_of(
      terms.site.origins, [&](const OriginPattern& origin) { return origin.matches_host(host); });
}

}  // namespace

std::optional<CaptchaSolution> CaptchaSolution::parse(std::string_view text,
                                                      const config::CaptchaProvider& provider) {
  const auto named = cut(text);
  if (!named || named->first != provider.name) return std::nullopt;
  const auto parts = cut(named->second);
  if (!parts) return std::nullopt;
  const auto& [ticket, token] = *parts;
  if (token.empty() || token.size() > provider.max_token_bytes) return std::nullopt;
  if (!std::ranges::all_of(token, is_token_char)) return std::nullopt;
  return CaptchaSolution{ticket, token};
}

std::optional<std::string_view> declined_ticket(std::string_view text) noexcept {
  const auto parts = cut(text);
  if (!parts || parts->first != kDeclined) return std::nullopt;
  return parts->second;
}

CaptchaOutcome judge_captcha(const identity::CaptchaAnswer& answer, const CaptchaTerms& terms) {
  if (!answer.success) return CaptchaOutcome::wrong;
  const auto& provider = terms.provider;
  const bool hidden = !provider.hidden_host.empty() && answer.hostname == provider.hidden_host;
  if (!hidden && !is_page_of_site(answer.hostname, terms)) return CaptchaOutcome::foreign;
  if (provider.returns_customer_data &&
      (answer.action != kCaptchaAction || answer.cdata != terms.ticket)) {
    return CaptchaOutcome::foreign;
  }
  const auto age = terms.now - answer.solved_at;
  return age > kChallengeLife || age < -kSkew ? CaptchaOutcome::expired : CaptchaOutcome::solved;
}

}  // namespace portcullis::guards

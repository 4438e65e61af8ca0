#include "config/captcha_values.hpp"

#include <algorithm>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "config/upstream_values.hpp"

namespace portcullis::config {
namespace {

constexpr std::size_t kLongestSiteKey = 128;
constexpr std::size_t kLongestSecret = 512;

// hCaptcha names no bound for its tokens; those seen have 2 to 5 KiB.
constexpr CaptchaProvider kProviders[] = {
    {BotChallenge::hcaptcha, "hcaptcha", "https://api.hcaptcha.com/siteverify",
     "https://js.hcaptcha.com/1/api.js", "https://hcaptcha.com https://*.hcaptcha.com", 8192, false,
     "not-provided"},
    {BotChallenge::turnstile, "turnstile",
     "https://challenges.cloudflare.com/turnstile/v0/siteverify",
     "https://challenges.cloudflare.com/turnstile/v0/api.js", "https://challenges.cloudflare.com",
     2048, true, ""},
};

}  // namespace

const CaptchaProvider* captcha_provider(BotChallenge kind) noexcept {
  const auto* at = std::ranges::find(kProviders, kind, &CaptchaProvider::kind);
  return at == std::end(kProviders) ? nullptr : at;
}

std::string captcha_sources(const Settings& settings, const SiteSettings& site) {
  const auto* provider = captcha_provider(site.challenge.kind.value_or(settings.bot_challenge));
  if (provider == nullptr) return {};
  std::string out(provider->sources);
  if (const auto own = Origin::of_url(settings.captcha_script_url)) out += " " + own->text();
  return out;
}

std::string captcha_verify_url(const Settings& settings, const CaptchaProvider& provider) {
  return settings.captcha_verify_url.empty() ? std::string(provider.verify_url)
                                             : settings.captcha_verify_url;
}

std::string captcha_script_url(const Settings& settings, const CaptchaProvider& provider) {
  return settings.captcha_script_url.empty() ? std::string(provider.script_url)
                                             : settings.captcha_script_url;
}

std::optional<std::string> site_key_fault(std::string_view key) {
  const bool plain = std::ranges::all_of(
      key, [](char c) { return text::is_alnum(c) || c == '-' || c == '_' || c == '.'; });
  if (plain && key.size() <= kLongestSiteKey) return std::nullopt;
  return "a site key has letters, digits, -, _ and . only, at most 128";
}

std::optional<std::string> captcha_secret_fault(std::string_view secret) {
  if (secret.size() > kLongestSecret) return "a secret has at most 512 characters";
  return api_key_fault(secret);
}

}  // namespace portcullis::config

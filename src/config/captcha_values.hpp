#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

/// What is known of the providers of captchas, and what is wrong with a value that is set for one.
namespace portcullis::config {

/// A provider, as its documentation describes it.
struct CaptchaProvider {
  BotChallenge kind;
  std::string_view name;         ///< in settings and challenges
  std::string_view verify_url;   ///< where a server asks about a token
  std::string_view script_url;   ///< what a page loads
  std::string_view sources;      ///< what a Content-Security-Policy must allow for it
  std::size_t max_token_bytes;   ///< longer ones are not its own
  bool returns_customer_data;    ///< tells the `action` and `cdata` that a page has set
  std::string_view hidden_host;  ///< what it says in place of a host name that it keeps to itself
};

/// Null where nobody else is asked.
const CaptchaProvider* captcha_provider(BotChallenge kind) noexcept;

/// What a page must allow where this site's visitors are challenged by a provider; empty where they
/// are not.
std::string captcha_sources(const Settings& settings, const SiteSettings& site);

/// The gateway's own address of a provider, else the provider's.
std::string captcha_verify_url(const Settings& settings, const CaptchaProvider& provider);
std::string captcha_script_url(const Settings& settings, const CaptchaProvider& provider);

/// Letters, digits, `-`, `_` and `.`; at most 128 of them. Empty is not set.
std::optional<std::string> site_key_fault(std::string_view key);
/// Visible ASCII, at most 512 characters. What is wrong is said without the value.
std::optional<std::string> captcha_secret_fault(std::string_view secret);

}  // namespace portcullis::config

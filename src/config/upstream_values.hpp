#pragma once
#include <optional>
#include <string>
#include <string_view>

/// What is wrong with a value that says where an upstream is and how it is asked, whether it stands
/// in the table of settings or with a site. nullopt: nothing.
namespace portcullis::config {

inline constexpr std::size_t kMaxUpstreamHeaders = 32;

/// An http or https URL without user and password; empty is not set.
std::optional<std::string> upstream_url_fault(std::string_view url);
/// The same, and what is said there is not read on the way: https, or http to a loopback address.
std::optional<std::string> protected_url_fault(std::string_view url);
/// Visible ASCII, as it goes into a header.
std::optional<std::string> api_key_fault(std::string_view key);
/// The name of a model: visible ASCII of at most 200 characters.
std::optional<std::string> model_fault(std::string_view model);
/// A number from 0 to 2, as JSON writes it; empty is not set.
std::optional<std::string> temperature_fault(std::string_view temperature);
/// 0 where it is not set.
double temperature_of(std::string_view temperature) noexcept;
/// A RequestTemplate.
std::optional<std::string> request_fault(std::string_view request);
/// A JSON pointer (RFC 6901); empty is the whole answer.
std::optional<std::string> answer_fault(std::string_view answer);
/// `Name: value`, in ASCII, and none of the fields that the gateway writes itself. What is wrong is
/// said without the value, which may be a secret.
std::optional<std::string> header_fault(std::string_view header);
/// UTF-8 of at most 64 KiB, without controls but tab and line end.
std::optional<std::string> prompt_fault(std::string_view prompt);

/// `iss` or `aud` of a token: UTF-8 of at most 256 bytes without controls. Empty is not set.
std::optional<std::string> identity_text_fault(std::string_view text);

}  // namespace portcullis::config

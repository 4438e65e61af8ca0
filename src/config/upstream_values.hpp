#pragma once
#include <optional>
#include <string>
#include <string_view>

/// What is wrong with a value that says where an upstream is and how it is asked, whether it stands
/// in the table of settings or with a site. nullopt: nothing.
namespace portcullis::config {

/// An http or https URL without user and password; empty is not set.
std::optional<std::string> upstream_url_fault(std::string_view url);
/// Visible ASCII, as it goes into a header.
std::optional<std::string> api_key_fault(std::string_view key);
/// The name of a model: visible ASCII of at most 200 characters.
std::optional<std::string> model_fault(std::string_view model);
/// UTF-8 of at most 64 KiB, without controls but tab and line end.
std::optional<std::string> prompt_fault(std::string_view prompt);

}  // namespace portcullis::config

#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

/// What is wrong with a value that says what a protected route takes, whom it is for and where it
/// leads. nullopt: nothing.
namespace portcullis::config {

inline constexpr std::size_t kMaxTargets = 32;

/// Letters, digits, `-` and `_`; at least one.
bool is_name(std::string_view text) noexcept;

/// An http or https URL without user, password, query and fragment.
std::optional<std::string> target_fault(std::string_view url);
/// GET (which HEAD goes with), POST, PUT, PATCH or DELETE.
std::optional<std::string> method_fault(std::string_view method);
/// browser, token or anonymous.
std::optional<std::string> kind_fault(std::string_view kind);
std::optional<std::string> role_fault(std::string_view role);
/// At most 64 letters, digits and "-_.:"; empty is not set.
std::optional<std::string> scope_fault(std::string_view scope);
/// A path that begins with "/", of characters that need no encoding, without dot segments.
std::optional<std::string> rewrite_fault(std::string_view path);
std::optional<LeakMode> leak_mode_of(std::string_view text) noexcept;
/// One of the types that http::sniff_media_type() tells apart, but markup: that runs where it is
/// shown.
std::optional<std::string> upload_type_fault(std::string_view type);
/// The name of a member: 1 to 128 bytes.
std::optional<std::string> member_fault(std::string_view name);

}  // namespace portcullis::config

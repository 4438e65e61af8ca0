#pragma once
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>

namespace portcullis::http {

inline constexpr std::size_t kMaxFormFields = 64;

/// An application/x-www-form-urlencoded body as the object that a JSON body with these members
/// would be: every value a string, in `memory`. Whoever reads one reads the other.
///
/// Strict: UTF-8, whole percent codes, names that are FieldNames, kMaxFormFields at most.
/// @returns what is wrong, fit for the client.
///
/// Source: WHATWG URL section 5.1, but for what that would mend in silence.
std::expected<boost::json::value, std::string> parse_form_fields(
    std::string_view body, boost::json::storage_ptr memory = {});

}  // namespace portcullis::http

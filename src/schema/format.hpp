#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::schema {

/// The formats that are asserted.
enum class Format : std::uint8_t {
  date_time,  ///< RFC 3339 section 5.6, of any year; a leap second only where one can be
  email,      ///< RFC 5321, without quoted local parts and address literals; ASCII
  uri,        ///< RFC 3986, with a scheme
  uuid,       ///< RFC 9562 section 4
};

std::string_view name_of(Format format) noexcept;
std::optional<Format> format_of(std::string_view name) noexcept;
/// Cost: linear.
bool has_format(std::string_view text, Format format) noexcept;

}  // namespace portcullis::schema

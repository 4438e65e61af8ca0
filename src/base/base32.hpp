#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::text {

/// RFC 4648 section 6 without padding: 'A' to 'Z' and '2' to '7', 5 bits each.
std::string base32(std::string_view bytes);

/// Either case, no padding, canonical: bits left over are zero, so one value has one spelling but
/// for case.
std::optional<std::string> base32_decode(std::string_view text);

}  // namespace portcullis::text

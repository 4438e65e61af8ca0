#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::coding {

/// How a body may be packed (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). `deflate` is not among
/// them: half of the world sends it with zlib's header and half without.
enum class ContentCoding : std::uint8_t { gzip, brotli, zstd };

/// What Accept-Encoding says of them all, where a body came in another one.
inline constexpr std::string_view kAccepted = "gzip, br, zstd";

/// As the fields Content-Encoding and Accept-Encoding have it.
std::string_view name_of(ContentCoding coding) noexcept;
/// In any case of letters; `x-gzip` is `gzip`. nullopt: none of them.
std::optional<ContentCoding> content_coding_of(std::string_view name) noexcept;

}  // namespace portcullis::coding

#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "coding/content_coding.hpp"
#include "http/exchange.hpp"

namespace portcullis::guards {

/// How the body is packed: by one coding at most, which is said once. Of a list, of a second field
/// or of a coding that few know, the gateway and the service might each think something else.
/// Errors: malformed.
Result<std::optional<coding::ContentCoding>> body_coding(const http::RequestHead& head);

/// The body with no coding on it, as read_body() gives it from then on.
/// Bounds:  `limit` bytes, as they come and unpacked; the ratio of coding::Unpacker.
/// Errors:  those of read_body(); malformed; too_large; exhausted where the ratio is passed.
/// Threads: others run between the steps of unpacking.
Eventual<Result<std::string_view>> read_plain_body(http::Exchange& exchange,
                                                   std::optional<coding::ContentCoding> coding,
                                                   std::uint64_t limit);

}  // namespace portcullis::guards

#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::crypto {

/// Text that leaves the process and that nobody but the holder of the key may read or change:
/// AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits.
///
/// Threads: any.  Cost: about 1 us for a short text.
/// Bounds:  one key seals at most 2^32 texts; 28 bytes are added.

/// `key`: 32 bytes. `context` is not kept in the result, but the same is needed to open it.
std::string seal(std::string_view key, std::string_view context, std::string_view text);

/// @returns nullopt where key or context differ, or a byte was changed.
std::optional<std::string> open_sealed(std::string_view key, std::string_view context,
                                       std::string_view sealed);

}  // namespace portcullis::crypto

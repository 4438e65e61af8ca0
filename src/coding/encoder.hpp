#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "coding/content_coding.hpp"

namespace portcullis::coding {

/// What is shorter is sent as it is: fields and frames would eat what packing saves.
inline constexpr std::size_t kWorthPacking = 1024;

/// Packs an answer that comes in pieces.
///
/// Threads: one at a time.
/// Memory:  gzip 256 KiB (zlib's defaults); brotli 1.2 MiB (quality 4, a window of 256 KiB).
/// Cost:    about 10 ms for a megabyte of JSON, by either.
class Encoder {
 public:
  enum class Flush : std::uint8_t {
    none,  ///< it may keep what packs better with what follows
    all,   ///< the reader can unpack all that was put in so far
    end,
  };

  virtual ~Encoder() = default;
  /// Appends to `out` what is ready then.
  virtual void put(std::string_view piece, Flush flush, std::string& out) = 0;
};

/// REQUIRES: gzip or brotli, which are what answers are packed by.
std::unique_ptr<Encoder> make_encoder(ContentCoding coding);

}  // namespace portcullis::coding

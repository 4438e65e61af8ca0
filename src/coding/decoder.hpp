#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "coding/content_coding.hpp"

namespace portcullis::coding {

/// Unpacks a body of one content coding, in small steps, so that others may run between them.
///
/// Threads: one at a time.
/// Memory:  gzip 40 KiB; zstd a window of at most 8 MiB and 300 KiB, as RFC 9659 section 3 has it;
///          brotli a window of at most 16 MiB (no large ones), which grows with what comes out, and
///          3 MiB of tables.
/// Errors:  malformed, where it is not of this coding, is broken, or asks for more memory.
/// Source:  RFC 1952, RFC 7932, RFC 8878. Several members of gzip, and several frames of zstd with
///          skippable ones between them, are one body, as these have it. Formats of zstd from
///          before 1.0 are refused.
class Decoder {
 public:
  /// Of what is put in, as much as one step takes.
  static constexpr std::size_t kMostTaken = 16 * 1024;

  struct Step {
    std::size_t made = 0;   ///< bytes at the front of `out`
    bool complete = false;  ///< the body may end here
  };

  virtual ~Decoder() = default;
  /// Takes from the front of `rest`, all that is left of the packed body, what it has used. A step
  /// that neither takes nor makes anything means that the body has broken off.
  virtual Result<Step> run(std::string_view& rest, std::span<char> out) = 0;
};

std::unique_ptr<Decoder> make_decoder(ContentCoding coding);

}  // namespace portcullis::coding

#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "coding/decoder.hpp"

namespace portcullis::coding {

/// Unpacks a whole body within bounds, a step at a time.
///
/// Threads:   one at a time.
/// Ownership: the packed bytes are the caller's and outlive it.
/// Memory:    what is unpacked, and that of the Decoder.
/// Bounds:    `most` bytes, and kMaxRatio times as many as came in, once there are kRatioFloor.
/// Errors:    malformed; too_large; exhausted, where the ratio is passed. Nothing is unpacked past
///            a bound.
/// Cost:      on one core of 2.5 GHz a step of ordinary data takes 0.1 to 0.3 ms, and one of data
///            that is made to be slow (tables without content) some milliseconds.
class Unpacker {
 public:
  /// Apache's `DeflateInflateRatioLimit` has 200 too. JSON that says something packs to a half to
  /// a seventieth, the same object 50 000 times to a 340th by gzip and a 34 000th by brotli.
  static constexpr std::uint64_t kMaxRatio = 200;
  /// Short texts may repeat themselves.
  static constexpr std::uint64_t kRatioFloor = 64 * 1024;
  /// What may come out of so many bytes.
  static constexpr std::uint64_t most_of(std::uint64_t packed) noexcept {
    return packed > UINT64_MAX / kMaxRatio ? UINT64_MAX : std::max(packed * kMaxRatio, kRatioFloor);
  }
  /// Bytes in and out together, after which a step ends.
  static constexpr std::size_t kStepBytes = 64 * 1024;

  Unpacker(ContentCoding coding, std::string_view packed, std::uint64_t most);

  /// @returns whether all is unpacked.
  Result<bool> step();
  /// REQUIRES: step() has returned true.
  std::string take() { return std::move(out_); }

 private:
  const std::unique_ptr<Decoder> decoder_;
  const std::uint64_t most_;
  const std::uint64_t most_by_ratio_;
  std::string_view rest_;
  std::string out_;
};

}  // namespace portcullis::coding

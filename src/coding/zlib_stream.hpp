#pragma once
#include <zlib.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::coding {

/// What owns zlib's states: streams of deflate, bare or in gzip's frame.
///
/// Units:  `window_bits` as zlib has them: below 0 for bare deflate, 16 more for gzip.
/// Memory: inflating, the window and 7 KiB; deflating, 2^(window + 2) + 2^(memory level + 9) bytes.
class InflateStream {
 public:
  explicit InflateStream(int window_bits);
  ~InflateStream();
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  struct Step {
    int status = Z_OK;     ///< of inflate()
    std::size_t made = 0;  ///< bytes at the front of `out`
  };
  /// Takes from the front of `in` what it has used.
  Step run(std::string_view& in, std::span<char> out);
  /// Another stream of the same kind follows.
  void restart() { inflateReset(&stream_); }

 private:
  z_stream stream_{};
};

class DeflateStream {
 public:
  DeflateStream(int level, int window_bits, int memory_level);
  ~DeflateStream();
  DeflateStream(const DeflateStream&) = delete;
  DeflateStream& operator=(const DeflateStream&) = delete;

  /// Takes all of `in` and appends to `out` what is ready by then: with Z_SYNC_FLUSH everything,
  /// with Z_FINISH the end too.
  void append(std::string_view in, int flush, std::string& out);

 private:
  z_stream stream_{};
};

}  // namespace portcullis::coding

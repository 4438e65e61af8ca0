#pragma once
#include <string>

#include "upstream/decoder.hpp"

namespace portcullis::upstream {

/// A decoder that can say nothing before it has read everything: it keeps the body for finish().
///
/// Memory: the whole body, at most `max_bytes`; beyond it too_large, and `too_long` says of what.
class WholeDecoder : public Decoder {
 public:
  WholeDecoder(std::size_t max_bytes, const char* too_long)
      : max_bytes_(max_bytes), too_long_(too_long) {}

  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) final {
    (void)pieces;
    if (held_.size() + bytes.size() > max_bytes_) {
      return fail(ErrorCode::too_large, too_long_, ErrorOrigin::upstream);
    }
    held_ += bytes;
    return {};
  }

 protected:
  std::string held_;

 private:
  const std::size_t max_bytes_;
  const char* const too_long_;
};

}  // namespace portcullis::upstream

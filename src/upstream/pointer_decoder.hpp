#pragma once
#include <string>

#include "upstream/whole_decoder.hpp"

namespace portcullis::upstream {

/// Takes the text at one place of a JSON answer, as one piece.
///
/// Threads: none.
/// Errors:  those of Decoder; malformed where there is no text at the place.
/// Source:  RFC 6901 (JSON Pointer).
class PointerDecoder final : public WholeDecoder {
 public:
  /// REQUIRES: `pointer` is one (config::answer_pointer_fault), and not empty.
  PointerDecoder(std::string pointer, std::size_t max_bytes);
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  const std::string pointer_;
};

}  // namespace portcullis::upstream

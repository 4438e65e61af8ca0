#pragma once
#include <string>

#include "upstream/decoder.hpp"

namespace portcullis::upstream {

/// Takes the text at one place of a JSON answer, as one piece.
///
/// Threads: none.  Memory: the whole answer, at most `max_bytes`.
/// Errors:  those of Decoder; malformed where there is no text at the place.
/// Source:  RFC 6901 (JSON Pointer).
class PointerDecoder final : public Decoder {
 public:
  /// REQUIRES: `pointer` is one (config::answer_pointer_fault), and not empty.
  PointerDecoder(std::string pointer, std::size_t max_bytes);
  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) override;
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  const std::string pointer_;
  const std::size_t max_bytes_;
  std::string held_;
};

}  // namespace portcullis::upstream

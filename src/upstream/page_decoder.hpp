#pragma once
#include "upstream/decoder.hpp"

namespace portcullis::upstream {

/// Takes an HTML page as it is, as one piece.
///
/// Memory: the page, at most `max_bytes`.
/// Errors: those of Decoder; malformed, and nobody's failure, where it is no page: the trigger has
///         none.
class PageDecoder final : public Decoder {
 public:
  PageDecoder(std::string_view content_type, std::size_t max_bytes);
  Result<void> put(std::string_view bytes, std::vector<std::string>& pieces) override;
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  bool is_html_;
  std::size_t max_bytes_;
  std::string held_;
};

}  // namespace portcullis::upstream

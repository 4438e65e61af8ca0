#pragma once
#include "upstream/whole_decoder.hpp"

namespace portcullis::upstream {

/// Takes an HTML page as it is, as one piece.
///
/// Errors: those of Decoder; malformed, and nobody's failure, where it is no page: the trigger has
///         none.
class PageDecoder final : public WholeDecoder {
 public:
  PageDecoder(std::string_view content_type, std::size_t max_bytes);
  Result<void> finish(std::vector<std::string>& pieces) override;

 private:
  bool is_html_;
};

}  // namespace portcullis::upstream

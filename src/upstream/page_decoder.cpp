#include "upstream/page_decoder.hpp"

#include "base/text.hpp"

namespace portcullis::upstream {

PageDecoder::PageDecoder(std::string_view content_type, std::size_t max_bytes)
    : WholeDecoder(max_bytes, "the page is too long"),
      is_html_(
          text::iequals(text::trim(content_type.substr(0, content_type.find(';'))), "text/html")) {}

Result<void> PageDecoder::finish(std::vector<std::string>& pieces) {
  if (!is_html_ || held_.empty() || !text::is_utf8(held_)) {
    return fail(ErrorCode::malformed, "the upstream's answer is no page", ErrorOrigin::gateway);
  }
  pieces.push_back(std::move(held_));
  return {};
}

}  // namespace portcullis::upstream

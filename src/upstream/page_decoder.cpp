#include "upstream/page_decoder.hpp"

#include "base/text.hpp"

namespace portcullis::upstream {

PageDecoder::PageDecoder(std::string_view content_type, std::size_t max_bytes)
    : is_html_(
          text::iequals(text::trim(content_type.substr(0, content_type.find(';'))), "text/html")),
      max_bytes_(max_bytes) {}

Result<void> PageDecoder::put(std::string_view bytes, std::vector<std::string>& pieces) {
  (void)pieces;
  if (held_.size() + bytes.size() > max_bytes_) {
    return fail(ErrorCode::too_large, "the page is too long", ErrorOrigin::upstream);
  }
  held_ += bytes;
  return {};
}

Result<void> PageDecoder::finish(std::vector<std::string>& pieces) {
  if (!is_html_ || held_.empty() || !text::is_utf8(held_)) {
    return fail(ErrorCode::malformed, "the upstream's answer is no page", ErrorOrigin::gateway);
  }
  pieces.push_back(std::move(held_));
  return {};
}

}  // namespace portcullis::upstream

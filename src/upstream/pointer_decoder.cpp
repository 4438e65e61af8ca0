#include "upstream/pointer_decoder.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"

namespace portcullis::upstream {
namespace {

namespace json = boost::json;

std::unexpected<Error> unusable(const char* detail) {
  return fail(ErrorCode::malformed, detail, ErrorOrigin::upstream);
}

}  // namespace

PointerDecoder::PointerDecoder(std::string pointer, std::size_t max_bytes)
    : pointer_(std::move(pointer)), max_bytes_(max_bytes) {}

Result<void> PointerDecoder::put(std::string_view bytes, std::vector<std::string>& pieces) {
  (void)pieces;
  if (held_.size() + bytes.size() > max_bytes_) {
    return fail(ErrorCode::too_large, "the answer is too long", ErrorOrigin::upstream);
  }
  held_ += bytes;
  return {};
}

Result<void> PointerDecoder::finish(std::vector<std::string>& pieces) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  const auto answer = json::parse(json::string_view(held_), error, json::storage_ptr(), options);
  if (error) return unusable("the upstream's answer is no JSON");
  const auto* place = answer.find_pointer(json::string_view(pointer_), error);
  const auto* found = place == nullptr ? nullptr : place->if_string();
  if (found == nullptr) return unusable("the upstream's JSON has no text at the pointer");
  const std::string_view words(found->data(), found->size());
  if (text::trim_unicode(words).empty()) return unusable("the upstream's answer is blank");
  pieces.emplace_back(words);
  return {};
}

}  // namespace portcullis::upstream

#include "upstream/pointer_decoder.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "upstream/answer_json.hpp"

namespace portcullis::upstream {

namespace json = boost::json;

PointerDecoder::PointerDecoder(std::string pointer, std::size_t max_bytes)
    : WholeDecoder(max_bytes, "the answer is too long"), pointer_(std::move(pointer)) {}

Result<void> PointerDecoder::finish(std::vector<std::string>& pieces) {
  const AnswerJson answer(held_);
  if (answer.value() == nullptr) return unusable("the upstream's answer is no JSON");
  json::error_code error;
  const auto* place = answer.value()->find_pointer(json::string_view(pointer_), error);
  const auto* found = place == nullptr ? nullptr : place->if_string();
  if (found == nullptr) return unusable("the upstream's JSON has no text at the pointer");
  const std::string_view words(found->data(), found->size());
  if (text::trim_unicode(words).empty()) return unusable("the upstream's answer is blank");
  pieces.emplace_back(words);
  return {};
}

}  // namespace portcullis::upstream

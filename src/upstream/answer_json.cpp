#include "upstream/answer_json.hpp"

#include <boost/json.hpp>

namespace portcullis::upstream {

namespace json = boost::json;

AnswerJson::AnswerJson(std::string_view text)
    : memory_(room_.data(), room_.size()), value_(&memory_) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  value_ = json::parse(json::string_view(text.data(), text.size()), error, &memory_, options);
  valid_ = !error;
}

}  // namespace portcullis::upstream

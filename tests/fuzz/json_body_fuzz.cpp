// A JSON body: what is accepted is what Boost.JSON reads, within the limits, in valid UTF-8.
#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "http/json_body.hpp"

namespace {

using portcullis::fuzz::require;
namespace json = boost::json;

struct Shape {
  std::size_t depth = 0;
  std::size_t keys = 0;
};

Shape shape_of(const json::value& value) {
  Shape out;
  const auto take = [&](const json::value& inner) {
    const Shape of = shape_of(inner);
    out.depth = std::max(out.depth, of.depth);
    out.keys += of.keys;
  };
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      require(portcullis::text::is_utf8({member.key().data(), member.key().size()}),
              "keys are valid UTF-8");
      take(member.value());
    }
    out.keys += object->size();
    ++out.depth;
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) take(item);
    ++out.depth;
  } else if (const auto* string = value.if_string()) {
    require(portcullis::text::is_utf8({string->data(), string->size()}), "strings are valid UTF-8");
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = portcullis::fuzz::text_of(data, size);
  const auto parsed = portcullis::http::parse_json(text);
  if (!parsed) {
    require(!parsed.error().detail.empty(), "a refusal has a detail");
    return 0;
  }
  const portcullis::http::JsonLimits limits;
  const Shape shape = shape_of(*parsed);
  require(shape.depth <= limits.max_depth, "the depth is bounded");
  require(shape.keys <= limits.max_keys, "the number of keys is bounded");
  json::error_code error;
  json::parse_options options;
  options.max_depth = limits.max_depth;
  const json::value other =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  require(!error, "what is accepted is JSON");
  require(other == *parsed, "it means what Boost.JSON reads in it");
  const std::string written = json::serialize(*parsed);
  require(portcullis::http::parse_json(written).has_value(), "what it writes is accepted again");
  if (const auto* object = parsed->if_object()) {
    for (const auto& member : *object) {
      const auto raw =
          portcullis::http::raw_member(text, {member.key().data(), member.key().size()});
      const auto value = portcullis::http::parse_json(raw);
      require(value.has_value() && *value == member.value(), "a member's bytes are its value");
    }
  }
  return 0;
}

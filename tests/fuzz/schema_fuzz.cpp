// A schema and a body: whatever both are, an answer comes within bounds, says nothing of the body,
// and is the opposite of what the schema's opposite says.
#include "schema/schema.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "fuzz/fuzz.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::schema::Schema;

/// What must not be repeated: texts that cannot be of our own words, nor of two steps of a pointer.
void look_for_texts(const boost::json::value& value, std::string_view schema,
                    const std::string& said) {
  const auto check = [&](std::string_view text) {
    if (text.size() < 12 || text.find_first_of(" '/~") != std::string_view::npos) return;
    require(schema.find_first_of("\\") != std::string_view::npos || schema.contains(text) ||
                !said.contains(text),
            "nothing of the body is repeated");
  };
  if (const auto* text = value.if_string()) {
    check(*text);
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) look_for_texts(item, schema, said);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      check(member.key());
      look_for_texts(member.value(), schema, said);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const auto text = portcullis::fuzz::text_of(data, size);
  const auto cut = std::min(text.find('\0'), text.size());
  const std::string source(text.substr(0, cut));
  const auto schema = Schema::compile(source);
  if (!schema) {
    require(!schema.error().detail.empty(), "a refusal has words");
    return 0;
  }
  portcullis::http::JsonBody body;
  if (!portcullis::http::parse_json(text.substr(std::min(cut + 1, text.size())), {}, body)) {
    return 0;
  }
  const auto violation = schema->check(body);
  if (violation) {
    require(!violation->keyword.empty() && !violation->words.empty(), "a violation has a rule");
    require(violation->pointer.empty() || violation->pointer.front() == '/', "and a place");
    if (violation->keyword == "limits") return 0;
    look_for_texts(body.value, source, violation->pointer + violation->words);
  }
  // References count from the root of the document, so that it stays where it is.
  if (source.contains("$")) return 0;
  const auto opposite = Schema::compile("{\"not\":" + source + "}");
  if (!opposite) return 0;  // nested too deeply by now
  const auto other = opposite->check(body);
  require((other && other->keyword == "limits") || other.has_value() != violation.has_value(),
          "a schema and its opposite do not agree");
  const auto twice = Schema::compile("{\"allOf\":[" + source + "," + source + "]}");
  require(twice && twice->check(body).has_value() == violation.has_value(), "twice is as once");
  return 0;
}

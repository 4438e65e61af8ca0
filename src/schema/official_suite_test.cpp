// The official tests of JSON Schema, draft 7: the newest that Debian has. What that draft means
// otherwise, and what is not supported, is listed here and nowhere else.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "schema/schema.hpp"

namespace portcullis::schema {
namespace {

namespace json = boost::json;

constexpr std::string_view kFolder = "/usr/share/json-schema-test-suite/tests/draft7/";

constexpr std::string_view kFiles[] = {"additionalProperties",
                                       "allOf",
                                       "anyOf",
                                       "boolean_schema",
                                       "const",
                                       "default",
                                       "definitions",
                                       "enum",
                                       "exclusiveMaximum",
                                       "exclusiveMinimum",
                                       "items",
                                       "maxItems",
                                       "maxLength",
                                       "maxProperties",
                                       "maximum",
                                       "minItems",
                                       "minLength",
                                       "minProperties",
                                       "minimum",
                                       "multipleOf",
                                       "not",
                                       "oneOf",
                                       "pattern",
                                       "patternProperties",
                                       "properties",
                                       "ref",
                                       "required",
                                       "type",
                                       "uniqueItems",
                                       "optional/bignum",
                                       "optional/ecmascript-regex",
                                       "optional/zeroTerminatedFloats",
                                       "optional/format/date-time",
                                       "optional/format/email",
                                       "optional/format/uri"};

/// Groups whose schemas are refused at load.
const std::set<std::string_view> kRefused = {
    "definitions: valid definition",  // a reference to another document
    "definitions: invalid definition",
    "ref: remote ref, containing refs itself",
    "ref: Recursive references between schemas",
    "optional/ecmascript-regex: ECMA 262 regex non-compliance",  // the format regex
    "items: an array of schemas for items",                      // called prefixItems today
    "items: items with boolean schemas",
    "ref: relative pointer ref to array",
    "ref: escaped pointer ref",  // to definitions outside of $defs
};
/// Tests that say the opposite of draft 2020-12.
const std::set<std::string_view> kOther = {
    "ref: ref overrides any sibling keywords: ref valid, maxItems ignored",
};

TEST(OfficialSuite, OfJsonSchemaPasses) {
  std::size_t groups = 0;
  std::size_t tests = 0;
  for (const auto file : kFiles) {
    std::ifstream in(std::string(kFolder) + std::string(file) + ".json");
    ASSERT_TRUE(in) << file << ": the package json-schema-test-suite is missing";
    const auto suite = json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
    for (const auto& group : suite.get_array()) {
      const std::string name =
          std::string(file) + ": " + std::string(group.at("description").get_string());
      const auto schema = Schema::compile(json::serialize(group.at("schema")));
      if (const auto known = kRefused.find(name); known != kRefused.end()) {
        EXPECT_FALSE(schema) << name << " is supported by now";
        continue;
      }
      ASSERT_TRUE(schema) << name << ": " << schema.error().detail;
      ++groups;
      for (const auto& test : group.at("tests").get_array()) {
        const std::string full = name + ": " + std::string(test.at("description").get_string());
        const std::string data = json::serialize(test.at("data"));
        http::JsonBody body;
        ASSERT_TRUE(http::parse_json(data, {}, body)) << full;
        const bool expected = test.at("valid").get_bool() != kOther.contains(full);
        EXPECT_EQ(!schema->check(body), expected) << full;
        ++tests;
      }
    }
  }
  EXPECT_GE(groups, 95U);
  EXPECT_GE(tests, 340U);
}

}  // namespace
}  // namespace portcullis::schema

#include "schema/schema.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "proves.hpp"
#include "temporary_folder.hpp"

namespace portcullis::schema {
namespace {

/// "pointer keyword" of what is wrong with a body, "" where nothing is.
std::string fault(const Schema& schema, std::string_view body) {
  http::JsonBody parsed;
  if (!http::parse_json(body, {}, parsed)) return "no JSON";
  const auto violation = schema.check(parsed);
  return violation ? violation->pointer + " " + std::string(violation->keyword) : "";
}

Schema make(std::string_view json) {
  auto out = Schema::compile(json);
  if (!out) throw std::runtime_error(std::string(json) + ": " + out.error().detail);
  return *std::move(out);
}

struct Case {
  std::string_view schema;
  std::vector<std::string_view> good;
  std::vector<std::pair<std::string_view, std::string_view>> bad;  ///< body, fault
};

const Case kCases[] = {
    {"true", {"1", "{}", "null"}, {}},
    {"false", {}, {{"1", " false"}}},
    {R"({"type":"integer"})",
     {"1", "1.0", "-0", "1e3", "12345678901234567890123", "1e300", "18446744073709551615"},
     {{"1.5", " type"}, {"\"1\"", " type"}, {"12345678901234567890123.5", " type"}}},
    {R"({"type":["null","string"]})", {"null", "\"\""}, {{"0", " type"}, {"false", " type"}}},
    {R"({"minimum":0,"maximum":100})",
     {"0", "-0", "100", "100.0", "1e2", "\"x\"", "99.99999999999999999999"},
     {{"-1", " minimum"},
      {"-0.00000000000000000000000001", " minimum"},
      {"-1e-400", " minimum"},
      {"100.00000000000000000001", " maximum"},
      {"1e3", " maximum"},
      {"12345678901234567890123", " maximum"}}},
    {R"({"exclusiveMinimum":0,"exclusiveMaximum":1})",
     {"0.5", "1e-400", "0.99999999999999999999999"},
     {{"0", " exclusiveMinimum"}, {"0e-5", " exclusiveMinimum"}, {"1", " exclusiveMaximum"}}},
    {R"({"maximum":12345678901234567890123})",
     {"12345678901234567890123", "12345678901234567890122.9"},
     {{"12345678901234567890124", " maximum"}, {"12345678901234567890123.1", " maximum"}}},
    {R"({"multipleOf":0.01})",
     {"19.99", "0.07", "1e5", "-3", "123456789012345678901234567890.12"},
     {{"19.999", " multipleOf"}, {"123456789012345678901234567890.123", " multipleOf"}}},
    {R"({"const":12345678901234567890123})",
     {"12345678901234567890123", "12345678901234567890123.0"},
     {{"12345678901234567890124", " const"}, {"1.2345678901234568e22", " const"}}},
    {R"({"enum":[1,"a",[1,{"b":2,"c":3}],null]})",
     {"1", "1.0", "\"a\"", "[1.0,{\"c\":3,\"b\":2}]", "null"},
     {{"2", " enum"}, {"\"1\"", " enum"}, {"[1]", " enum"}, {"false", " enum"}}},
    {R"({"minLength":2,"maxLength":3})",
     {"\"ab\"", "\"😀😀😀\"", "\"\\ud83d\\ude00é\"", "7"},
     {{"\"a\"", " minLength"}, {"\"😀\"", " minLength"}, {"\"abcd\"", " maxLength"}}},
    {R"({"pattern":"^[a-z]+$"})",
     {"\"abc\"", "1"},
     {{"\"\"", " pattern"}, {"\"a\\n\"", " pattern"}}},
    {R"({"format":"email"})", {"\"a@b.c\"", "1"}, {{"\"a\"", " format"}}},
    {R"({"minItems":1,"maxItems":2,"items":{"type":"number"}})",
     {"[1]", "[1,2]", "{}"},
     {{"[]", " minItems"}, {"[1,2,3]", " maxItems"}, {"[1,\"a\"]", "/1 type"}}},
    {R"({"prefixItems":[{"type":"string"},{"type":"number"}],"items":false})",
     {"[]", "[\"a\"]", "[\"a\",1]"},
     {{"[1]", "/0 type"}, {"[\"a\",1,2]", "/2 false"}}},
    {R"({"uniqueItems":true})",
     {"[]", "[1,2,\"1\",[1],{\"a\":1}]", "[\"1\",\"11\",\"1\\\"1\"]", "[[1,2],[12]]"},
     {{"[1,2,1.0]", " uniqueItems"},
      {"[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", " uniqueItems"},
      {"[12345678901234567890123,1,12345678901234567890123]", " uniqueItems"}}},
    {R"({"uniqueItems":true,"maxItems":2})",
     {"[12345678901234567890123,12345678901234567890124]"},
     {}},
    {R"({"required":["a","b"],"minProperties":2,"maxProperties":3})",
     {"{\"a\":1,\"b\":null}", "[]"},
     {{"{\"a\":1,\"c\":1}", " required"},
      {"{\"a\":1}", " minProperties"},
      {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1}", " maxProperties"}}},
    {R"({"properties":{"a":{"properties":{"x/y":{"properties":{"~":{"type":"null"}}}}}}})",
     {"{}", "{\"a\":{\"x/y\":{\"~\":null}}}", "{\"z\":1}"},
     {{"{\"a\":{\"x/y\":{\"~\":1}}}", "/a/x~1y/~0 type"}}},
    {R"({"properties":{"a":true},"patternProperties":{"^x_":{"type":"number"}},"additionalProperties":false})",
     {"{\"a\":\"b\",\"x_1\":1}"},
     {{"{\"b\":1}", " additionalProperties"}, {"{\"x_1\":\"a\"}", "/* type"}}},
    {R"({"additionalProperties":{"type":"number"}})",
     {"{\"a\":1}"},
     {{"{\"secret\":\"a\"}", "/* type"}}},
    {R"({"properties":{"n":{"minimum":3}},"patternProperties":{"n":{"maximum":5}}})",
     {"{\"n\":4}"},
     {{"{\"n\":2}", "/n minimum"}, {"{\"n\":6}", "/n maximum"}}},
    {R"({"allOf":[{"minimum":3},{"maximum":5}]})", {"4"}, {{"2", " minimum"}, {"6", " maximum"}}},
    {R"({"anyOf":[{"type":"string"},{"minimum":5}]})", {"\"a\"", "5"}, {{"4", " anyOf"}}},
    {R"({"oneOf":[{"multipleOf":2},{"multipleOf":3}]})",
     {"2", "3"},
     {{"6", " oneOf"}, {"5", " oneOf"}}},
    {R"({"not":{"required":["a"]}})", {"{}"}, {{"{\"a\":1}", " not"}, {"1", " not"}}},
    {R"({"not":{"not":{"type":"string"}}})", {"\"a\""}, {{"1", " not"}}},
    {R"({"properties":{"a":{"anyOf":[{"properties":{"b":{"type":"string"}}}]}}})",
     {"{\"a\":{\"b\":\"\"}}"},
     {{"{\"a\":{\"b\":1}}", "/a anyOf"}}},
    {R"({"$defs":{"money":{"type":"number","minimum":0}},"properties":{"a":{"$ref":"#/$defs/money","maximum":9}}})",
     {"{\"a\":1}"},
     {{"{\"a\":-1}", "/a minimum"}, {"{\"a\":10}", "/a maximum"}}},
    {R"({"type":"object","properties":{"child":{"$ref":"#"}},"required":["v"]})",
     {"{\"v\":1,\"child\":{\"v\":1,\"child\":{\"v\":1}}}"},
     {{"{\"v\":1,\"child\":{\"v\":1,\"child\":{}}}", "/child/child required"}}},
    {R"({"$defs":{"a b":{"type":"null"},"x~1/":{"type":"null"}},"prefixItems":[{"$ref":"#/$defs/a%20b"},{"$ref":"#/$defs/x~01~1"},{"$ref":"#/prefixItems/0"}]})",
     {"[null,null,null]"},
     {{"[1]", "/0 type"}, {"[null,1]", "/1 type"}, {"[null,null,1]", "/2 type"}}},
    {R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://a.example/s","title":"t","description":"d","default":1,"examples":[1],"deprecated":true,"readOnly":true,"writeOnly":false,"$comment":"c"})",
     {"1"},
     {}},
};

TEST(Schema, FindsTheRuleThatABodyBreaks) {
  std::size_t count = 0;
  for (const auto& c : kCases) {
    const auto schema = make(c.schema);
    for (const auto body : c.good) EXPECT_EQ(fault(schema, body), "") << c.schema << " " << body;
    for (const auto& [body, wrong] : c.bad) {
      EXPECT_EQ(fault(schema, body), wrong) << c.schema << " " << body;
    }
    count += c.good.size() + c.bad.size();
  }
  EXPECT_GE(count, 100U);
}

TEST(Schema, SaysWhereAnErrorOfItsOwnIs) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"1", "#: a schema"},
      {"{", "not valid JSON"},
      {R"({"a":1,"a":2})", "duplicate key"},
      {R"({"typo":1})", "#/typo: this keyword"},
      {R"({"if":true})", "#/if: this keyword"},
      {R"({"properties":{"a/b":{"minLenght":1}}})", "#/properties/a~1b/minLenght: "},
      {R"({"$defs":{"unused":{"type":"strin"}}})", "#/$defs/unused/type: there is no"},
      {R"({"type":[]})", "#/type: "},
      {R"({"type":[1]})", "#/type: "},
      {R"({"enum":1})", "#/enum: "},
      {R"({"minimum":"1"})", "#/minimum: a number"},
      {R"({"multipleOf":0})", "#/multipleOf: "},
      {R"({"multipleOf":0.1234567890123456789})", "#/multipleOf: "},
      {R"({"minLength":-1})", "#/minLength: "},
      {R"({"minLength":1.5})", "#/minLength: "},
      {R"({"maxItems":1e30})", "#/maxItems: "},
      {R"({"pattern":"("})", "#/pattern: a group is not closed (at byte 1)"},
      {R"x({"patternProperties":{"(?=a)":true}})x", "#/patternProperties: look-around"},
      {R"({"format":"ipv4"})", "#/format: "},
      {R"({"format":1})", "#/format: "},
      {R"({"items":[true]})", "#/items: a list of schemas is called prefixItems"},
      {R"({"prefixItems":true})", "#/prefixItems: "},
      {R"({"allOf":[]})", "#/allOf: "},
      {R"({"allOf":[{},7]})", "#/allOf/1: a schema"},
      {R"({"required":"a"})", "#/required: "},
      {R"({"uniqueItems":1})", "#/uniqueItems: "},
      {R"({"properties":[]})", "#/properties: "},
      {R"({"$ref":"other.json"})", "#/$ref: a reference inside"},
      {R"({"$ref":"#name"})", "#/$ref: a reference inside"},
      {R"({"$ref":"#/nowhere"})", "#/$ref: leads nowhere"},
      {R"({"$ref":"#/%zz"})", "#/$ref: "},
      {R"({"$ref":"#"})", "#: leads back to itself"},
      {R"({"properties":{"a":{"allOf":[{"$ref":"#/properties/a"}]}}})", "leads back to itself"},
      {R"({"$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"anyOf":[{"$ref":"#/$defs/a"}]}}})",
       "leads back to itself"},
      {R"({"properties":{"a":{"$id":"x"}}})", "#/properties/a/$id: "},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#"})", "#/$schema: only draft 2020-12"},
      {R"({"$anchor":"a"})", "#/$anchor: this keyword"},
      {R"({"a":1,"b":2})", "#/a: this keyword is not supported; #/b: this keyword"},
  };
  for (const auto& [schema, error] : cases) {
    const auto made = Schema::compile(schema);
    ASSERT_FALSE(made) << schema;
    EXPECT_NE(made.error().detail.find(error), std::string::npos)
        << schema << ": " << made.error().detail;
  }
}

TEST(Schema, TellsNothingOfWhatWasSent) {
  const auto schema = make(
      R"({"additionalProperties":{"additionalProperties":{"maxLength":3,"pattern":"^a"},"maxProperties":1}})");
  for (const std::string_view body :
       {R"({"hunter2":{"hunter2":"hunter2"}})", R"({"hunter2":{"a":"hu","hunter2":""}})"}) {
    http::JsonBody parsed;
    ASSERT_TRUE(http::parse_json(body, {}, parsed));
    const auto violation = schema.check(parsed);
    ASSERT_TRUE(violation);
    EXPECT_EQ((violation->pointer + violation->words).find("hunter2"), std::string::npos);
  }
}

TEST(Schema, SaysWhatIsExpectedInWords) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"type":["string","null"]})", "must be of type null or string"},
      {R"({"maximum":0.5})", "must be at most 0.5"},
      {R"({"maximum":-12345678901234567890123.10})", "must be at most -12345678901234567890123.10"},
      {R"({"multipleOf":7})", "must be a multiple of 7"},
      {R"({"enum":[]})", "must be one of the values that are allowed"},
  };
  for (const auto& [schema, words] : cases) {
    http::JsonBody parsed;
    ASSERT_TRUE(http::parse_json("1", {}, parsed));
    const auto violation = make(schema).check(parsed);
    ASSERT_TRUE(violation) << schema;
    EXPECT_EQ(violation->words, words);
  }
}

/// Thirty schemas, each of which asks the next one twice about the same value.
std::string doubling(std::string_view applicator) {
  std::string out = R"({"$ref":"#/$defs/s0","$defs":{)";
  for (int i = 0; i < 30; ++i) {
    const auto next = "{\"$ref\":\"#/$defs/s" + std::to_string(i + 1) + "\"}";
    out += "\"s" + std::to_string(i) + "\":{\"" + std::string(applicator) + "\":[" + next + "," +
           next + "]},";
  }
  return out + R"("s30":{"type":"integer"}}})";
}

TEST(Schema, GivesUpWhereTheWorkWouldDouble) {
  PROVES("F164");
  for (const auto* applicator : {"allOf", "oneOf"}) {
    EXPECT_EQ(fault(make(doubling(applicator)), "1"), " limits") << applicator;
  }
  EXPECT_EQ(fault(make(doubling("anyOf")), "1"), "") << "the first one does";
  EXPECT_EQ(fault(make(doubling("anyOf")), "\"a\""), " limits");
  std::string many = "[0";
  for (int i = 0; i < 90'000; ++i) many += ",0";
  std::string asked = R"({"items":{"allOf":[{"type":"integer"})";
  for (int i = 0; i < 12; ++i) asked += R"(,{"minimum":0})";
  EXPECT_EQ(fault(make(asked + "]}}"), many + "]"), " limits");
}

TEST(Schema, GivesUpWhereItWouldGoTooDeep) {
  std::string chain = R"({"$defs":{)";
  for (int i = 0; i < 500; ++i) {
    chain +=
        "\"s" + std::to_string(i) + "\":{\"$ref\":\"#/$defs/s" + std::to_string(i + 1) + "\"},";
  }
  chain += R"("s500":true},"$ref":"#/$defs/s0"})";
  EXPECT_EQ(fault(make(chain), "1"), " limits");
}

TEST(Schema, ANegationDoesNotPassWhatWasTooMuch) {
  std::string schema = doubling("allOf");
  schema.replace(0, std::string_view(R"({"$ref":"#/$defs/s0")").size(),
                 R"({"not":{"$ref":"#/$defs/s0"})");
  EXPECT_EQ(fault(make(schema), "1"), " limits");
}

TEST(Schema, IsReadFromJsonAndYamlFiles) {
  const TemporaryFolder folder;
  const auto file = [&](const char* name, const char* text) {
    const auto path = folder.path() / name;
    std::ofstream(path) << text;
    return path.string();
  };
  const auto yaml =
      Schema::read(file("a.yaml", "type: object\nproperties:\n  n: {maximum: 1.5}\n"));
  ASSERT_TRUE(yaml) << yaml.error().detail;
  EXPECT_EQ(fault(*yaml, R"({"n":2})"), "/n maximum");
  const auto json = Schema::read(file("a.json", R"({"pattern":"^\ud83d\ude00$"})"));
  ASSERT_TRUE(json) << json.error().detail;
  EXPECT_EQ(fault(*json, "\"😀\""), "");
  const auto wrong = Schema::read(file("b.yaml", "properties:\n  a: {tpye: string}\n"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().detail, (folder.path() / "b.yaml").string() +
                                      ": #/properties/a/tpye: this keyword is not supported");
  EXPECT_FALSE(Schema::read(file("c.yaml", "a: 1\na: 2\n"))) << "a duplicate key";
  EXPECT_FALSE(Schema::read((folder.path() / "none.json").string()));
}

}  // namespace
}  // namespace portcullis::schema

#include "schema/document.hpp"

#include <gtest/gtest.h>

namespace portcullis::schema {
namespace {

TEST(Document, YamlMeansTheJsonThatItLooksLike) {
  const std::pair<std::string, std::string> cases[] = {
      {"a: 1", R"({"a":1})"},
      {"a: 1.50\nb: -2e3", R"({"a":1.50,"b":-2e3})"},
      {"a: 12345678901234567890123", R"({"a":12345678901234567890123})"},
      {"a: '1'\nb: \"true\"", R"({"a":"1","b":"true"})"},
      {"a: true\nb: null\nc: ~\nd:", R"({"a":true,"b":null,"c":null,"d":null})"},
      {"a: yes\nb: on\nc: 0x10\nd: 01\ne: .5",
       R"({"a":"yes","b":"on","c":"0x10","d":"01","e":".5"})"},
      {"a: [1, x, {b: c}]", R"({"a":[1,"x",{"b":"c"}]})"},
      {"a: ^\\d$", R"({"a":"^\\d$"})"},
      {R"({"a": {"b": [false]}})", R"({"a":{"b":[false]}})"},
      {"true", "true"}};
  for (const auto& [yaml, json] : cases) EXPECT_EQ(json_of_yaml(yaml).value_or(""), json) << yaml;
}

TEST(Document, RefusesWhatIsNoTree) {
  for (const std::string bad : {"a: [", "? [a]\n: b", "a: &x [*x]"}) {
    EXPECT_FALSE(json_of_yaml(bad)) << bad;
  }
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto n = std::to_string(i);
    laughs += "a" + n + ": &a" + n + " [";
    for (int k = 0; k < 10; ++k) laughs += (k ? ",*a" : "*a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  EXPECT_FALSE(json_of_yaml(laughs));
}

TEST(Document, IsReadWithinBounds) {
  EXPECT_FALSE(read_document("/nonexistent"));
  EXPECT_FALSE(read_document("/"));
  EXPECT_FALSE(read_document("/dev/zero"));
}

}  // namespace
}  // namespace portcullis::schema

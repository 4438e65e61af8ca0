#include "http/form_fields.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace portcullis::http {
namespace {

std::string read(std::string_view body) {
  const auto parsed = parse_form_fields(body);
  return parsed ? boost::json::serialize(*parsed) : "refused: " + parsed.error();
}
bool refuses(std::string_view body) { return !parse_form_fields(body); }

TEST(FormFields, AreTheObjectThatJsonWouldBe) {
  EXPECT_EQ(read("grant_type=password&username=alice%40example.com&password=a+b%2Bc"),
            R"({"grant_type":"password","username":"alice@example.com","password":"a b+c"})");
  EXPECT_EQ(read(""), "{}");
  EXPECT_EQ(read("a&b="), R"({"a":"","b":""})");
  EXPECT_EQ(read("a=1=2"), R"({"a":"1=2"})");
  EXPECT_EQ(read("%C3%A9=%E2%82%AC"), "{\"é\":\"€\"}");
}

TEST(FormFields, RefuseWhatTwoReadersWouldReadDifferently) {
  EXPECT_TRUE(refuses("a=1&a=2"));
  EXPECT_TRUE(refuses("a=1&%61=2"));
  EXPECT_TRUE(refuses("a=%"));
  EXPECT_TRUE(refuses("a=%4"));
  EXPECT_TRUE(refuses("a=%zz"));
  EXPECT_TRUE(refuses("a=%ff"));
  EXPECT_TRUE(refuses("=1"));
  EXPECT_TRUE(refuses("a=1&&b=2"));
}

TEST(FormFields, AreBounded) {
  std::string body;
  for (std::size_t i = 0; i < kMaxFormFields; ++i) body += "&f" + std::to_string(i) + "=1";
  EXPECT_FALSE(refuses(body.substr(1)));
  EXPECT_TRUE(refuses(body.substr(1) + "&more=1"));
}

}  // namespace
}  // namespace portcullis::http

#include "routes/proxy/form_rules.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <string>
#include <vector>

namespace portcullis::routes {
namespace {

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n....";

http::FormPart field(std::string_view name, std::string_view value, std::string_view type = {}) {
  return {.name = name, .file_name = {}, .content_type = type, .value = value};
}
http::FormPart file(std::string_view name, std::string_view file_name, std::string_view value,
                    std::string_view type = "application/octet-stream") {
  return {
      .name = name, .file_name = file_name, .content_type = type, .value = value, .is_file = true};
}

class FormRulesTest : public testing::Test {
 protected:
  /// The code with which a form is refused; nullopt where it passes.
  std::optional<http::Code> refused(std::vector<http::FormPart> parts) {
    const auto problem = FormRules(files_).check({std::move(parts)});
    if (!problem) return std::nullopt;
    EXPECT_EQ(problem->detail.find("hunter2"), std::string::npos) << problem->detail;
    return problem->code;
  }

  config::FileSettings files_{.count = 2, .size = 20, .types = {"image/png", "text/plain"}};
};

TEST_F(FormRulesTest, PassFieldsAndFilesThatAreWhatTheySay) {
  EXPECT_EQ(refused({field("note", "hi"), field("other", "", "text/plain; charset=UTF-8"),
                     file("f", "a.png", kPng, "image/png"), file("f", "b.txt", "text")}),
            std::nullopt);
  EXPECT_EQ(refused({file("f", "a.csv", "1,2", "text/csv")}), std::nullopt);
  EXPECT_EQ(refused({field("_charset_", "UTF-8")}), std::nullopt);
  EXPECT_EQ(refused({}), std::nullopt);
}

TEST_F(FormRulesTest, RefuseFieldsThatReadersWouldReadDifferently) {
  using http::Code;
  EXPECT_EQ(refused({field("a", "1"), field("a", "2")}), Code::validation_failed);
  EXPECT_EQ(refused({field("a", "1"), field("a[]", "2")}), Code::validation_failed);
  EXPECT_EQ(refused({field("a", "1"), file("a", "a.png", kPng)}), Code::validation_failed);
  EXPECT_EQ(refused({field("a", "hunter2\xff")}), Code::validation_failed);
  EXPECT_EQ(refused({field("_charset_", "utf-7")}), Code::unsupported_media_type);
  for (const char* type : {"text/plain; charset=utf-7", "application/json", "text/html",
                           "multipart/mixed; boundary=c", "text/plain; charset=utf-8; charset=x",
                           "text/plain; boundary=c", "text/plain; format=flowed",
                           "text/plain; charset=utf-8; boundary=c", "text/plain; name=x.php"}) {
    EXPECT_EQ(refused({field("a", "1", type)}), Code::unsupported_media_type) << type;
  }
}

TEST_F(FormRulesTest, RefuseFilesThatAreNotWhatTheySayOrNotTaken) {
  using http::Code;
  EXPECT_EQ(refused({file("f", "../hunter2", kPng)}), Code::validation_failed);
  EXPECT_EQ(refused({file("f", "", kPng)}), Code::validation_failed);
  EXPECT_EQ(refused({file("f", "a.txt", "123456789012345678901")}), Code::payload_too_large);
  EXPECT_EQ(refused({file("f", "1", "x"), file("f", "2", "x"), file("f", "3", "x")}),
            Code::validation_failed);
  EXPECT_EQ(refused({file("f", "a.gif", "GIF89a")}), Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.html", "<p>hi")}), Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.txt", kPng)}), Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.png", kPng, "text/html")}), Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.txt", "x", "text/plain; charset=utf-7")}),
            Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.txt", "x", "multipart/mixed; boundary=c")}),
            Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.txt", "x", "text/plain; boundary=c")}),
            Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "a.txt", "x", "text/plain; charset=utf-8; name=x.php")}),
            Code::unsupported_media_type);
  EXPECT_EQ(refused({file("f", "x.php.txt", "x")}), Code::validation_failed);
  EXPECT_EQ(refused({field("Role", "1"), field("role", "2")}), Code::validation_failed);
  EXPECT_EQ(refused({file("f", "empty.txt", "")}), Code::unsupported_media_type);
}

TEST_F(FormRulesTest, TakeAnInputWithoutAFileForAnEmptyField) {
  const auto unchosen = file("photo", "", "");
  EXPECT_EQ(refused({unchosen, field("note", "x")}), std::nullopt);
  for (const char* type : {"application/octet-stream; boundary=c", "multipart/mixed",
                           "multipart/mixed; boundary=c", "text/plain; charset=utf-7"}) {
    EXPECT_EQ(refused({file("photo", "", "", type)}), http::Code::unsupported_media_type) << type;
  }
  EXPECT_EQ(refused({unchosen, field("photo", "x")}), http::Code::validation_failed);
  EXPECT_EQ(refused({unchosen, file("photo", "a.png", kPng)}), http::Code::validation_failed);
  http::JsonBody fields;
  read_fields({{field("note", "x"), unchosen, file("f", "a.png", kPng)}}, fields);
  EXPECT_EQ(boost::json::serialize(fields.value), R"({"note":"x","photo":""})");
}

}  // namespace
}  // namespace portcullis::routes

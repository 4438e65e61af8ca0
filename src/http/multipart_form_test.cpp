#include "http/multipart_form.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::http {
namespace {

std::string part(const std::string& head, const std::string& value) {
  return "--b\r\n" + head + "\r\n\r\n" + value + "\r\n";
}
std::string field(const std::string& name, const std::string& value) {
  return part("Content-Disposition: form-data; name=\"" + name + "\"", value);
}
bool parses(const std::string& body, const FormLimits& limits = {}) {
  return parse_multipart(body, "b", limits).has_value();
}

TEST(MultipartForm, ReadsWhatBrowsersWrite) {
  const std::string body =
      field("action", "sendMessage") + field("text", "a\r\n--\r\nb") +
      part(
          "Content-Disposition: form-data; name=\"files\"; filename=\"a %22b%22.png\"\r\n"
          "Content-Type: image/png",
          std::string("\x89PNG\0", 5)) +
      field("empty", "") + "--b--\r\n";
  const auto form = parse_multipart(body, "b");
  ASSERT_TRUE(form) << form.error().detail;
  ASSERT_EQ(form->parts.size(), 4U);
  EXPECT_EQ(form->find("action")->value, "sendMessage");
  EXPECT_EQ(form->find("text")->value, "a\r\n--\r\nb");
  const auto& file = form->parts[2];
  EXPECT_TRUE(file.is_file);
  EXPECT_EQ(file.file_name, "a %22b%22.png");
  EXPECT_EQ(file.content_type, "image/png");
  EXPECT_EQ(file.value.size(), 5U);
  EXPECT_FALSE(form->find("empty")->is_file);
  EXPECT_EQ(form->find("empty")->value, "");
  EXPECT_EQ(form->find("none"), nullptr);
  EXPECT_TRUE(parses("--b--")) << "no parts at all";
}

TEST(MultipartForm, RefusesWhatTwoReadersCouldCutDifferently) {
  const std::string good = field("a", "x");
  EXPECT_TRUE(parses(good + "--b--"));
  for (const std::string& body : {
           std::string(),
           good,                                       // no end
           "preamble\r\n" + good + "--b--\r\n",        //
           "\r\n" + good + "--b--\r\n",                //
           good + "--b--\r\nepilogue",                 //
           good + "--b--x",                            //
           good + "--b --\r\n",                        //
           good + "--b-- \r\n",                        // padding
           "--b \r\n" + good.substr(5) + "--b--\r\n",  //
           "--b\n" + good.substr(5) + "--b--\r\n",     // a bare line feed
           field("a", "x\r\n--bc") + "--b--\r\n",      // the boundary begins a longer line
           field("a", "x\r\n--b\nContent-Disposition: form-data; name=\"c\"\r\n\r\ny") +
               "--b--\r\n",
           field("a", "x\n--b\nContent-Disposition: form-data; name=\"c\"\n\ny") + "--b--\r\n",  //
           field("a", "x\r--b\ry") + "--b--\r\n",                                                //
           field("a", "x --b-- y") + "--b--\r\n",          // a boundary inside of a line
           field("a --b", "x") + "--b--\r\n",              //
           good.substr(0, good.size() - 3) + "--b--\r\n",  // a value that ends with one
           std::string("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--b--\r\n"),
           std::string("--b\r\n\r\nx\r\n--b--\r\n"),  // no fields
       }) {
    EXPECT_FALSE(parses(body)) << body;
  }
}

TEST(MultipartForm, RefusesHeadersThatReadersDisagreeAbout) {
  const auto one = [](const std::string& head) { return parses(part(head, "x") + "--b--\r\n"); };
  EXPECT_TRUE(one("content-disposition: form-data; name=\"a\"; filename=\"b\""));
  for (const char* head :
       {"Content-Disposition: form-data",
        "Content-Disposition: attachment; name=\"a\"",
        "Content-Disposition: form-data; name=a",
        "Content-Disposition: form-data; name=\"\"",
        "Content-Disposition: form-data; name=\"a\\\"b\"",
        "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
        "Content-Disposition: form-data; filename=\"b\"; name=\"a\"",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b\"; filename=\"c\"",
        "Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''b",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b\"; filename*=UTF-8''c",
        "Content-Disposition: form-data; name=\"a\";",
        "Content-Disposition: form-data; name=\"a\"\r\n ; filename=\"b\"",
        "Content-Disposition: form-data; name=\"a\xff\"",
        "Content-Disposition: form-data; name=\"a\tb\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: a/b\r\nContent-Type: c/d",
        "Content-Disposition: form-data; name=\"a\"\r\nX-Other: y",
        "Content-Disposition : form-data; name=\"a\"",
        "Content-Disposition",
        ": x"}) {
    EXPECT_FALSE(one(head)) << head;
  }
}

TEST(MultipartForm, HoldsItsLimits) {
  const auto kind = [](const std::string& body, const FormLimits& limits) {
    return parse_multipart(body, "b", limits).error().kind;
  };
  FormLimits limits;
  limits.max_parts = 2;
  EXPECT_TRUE(parses(field("a", "x") + field("b", "y") + "--b--", limits));
  EXPECT_EQ(kind(field("a", "x") + field("b", "y") + field("c", "z") + "--b--", limits),
            FormError::Kind::too_many_parts);
  limits = {};
  EXPECT_EQ(kind(field(std::string(65, 'n'), "x") + "--b--", limits), FormError::Kind::name);
  EXPECT_EQ(kind(part("Content-Disposition: form-data; name=\"a\"; filename=\"" +
                          std::string(256, 'f') + "\"",
                      "x") +
                     "--b--",
                 limits),
            FormError::Kind::name);
  EXPECT_EQ(kind(field(std::string(2000, 'n'), "x") + "--b--", limits),
            FormError::Kind::head_too_large);
}

TEST(FormBoundary, IsOneOfPlainCharacters) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=----WebKitFormBoundaryAbC1"),
            "----WebKitFormBoundaryAbC1");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;boundary=\"a'b\""), "a'b");
  for (const char* type :
       {"multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; charset=utf-8; boundary=a", "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a\"", "multipart/form-data; boundary=\"a b\"",
        "multipart/form-data; boundary=a,b", "multipart/form-data; boundary=\"a;b\"",
        "multipart/form-data; boundary*=utf-8''a", "multipart/form-data; boundary=a/b",
        "multipart/form-data; boundary =a", "multipart/form-data; boundary= a",
        "multipart/mixed; boundary=a", "text/plain",
        "multipart/form-data; boundary=a; charset=utf-8"}) {
    EXPECT_EQ(form_boundary(type), std::nullopt) << type;
  }
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')), std::nullopt);
}

}  // namespace
}  // namespace portcullis::http

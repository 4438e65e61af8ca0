#include "upstream/n8n_visit.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/multipart_form.hpp"

namespace portcullis::upstream {
namespace {

N8nVisit visit() {
  N8nVisit out;
  out.session_key = "sessionId";
  out.input_key = "chatInput";
  out.session_handle = "handle";
  out.message = "Say \"hi\"";
  return out;
}

TEST(N8nVisit, IsAnObjectOfOurOwn) {
  auto call = visit();
  call.metadata_json = R"({"n": 1.50})";
  const auto made = body_of(call, "token");
  EXPECT_EQ(made.content_type, "application/json");
  EXPECT_EQ(made.body, R"({"action":"sendMessage","sessionId":"handle","chatInput":"Say \"hi\"",)"
                       R"("jwt_token":"token","metadata":{"n": 1.50}})");
  call.action = N8nVisit::Action::load_previous_session;
  call.metadata_json = {};
  EXPECT_EQ(body_of(call, "token").body,
            R"({"action":"loadPreviousSession","sessionId":"handle","jwt_token":"token"})");
}

TEST(N8nVisit, IsAFormWithFiles) {
  auto call = visit();
  call.metadata_json = "{}";
  call.files = {{"a.png", "image/png", std::string_view("\x89PNG\0", 5)},
                {"b.txt", "text/plain", "x\r\n--b"}};
  const auto made = body_of(call, "token");
  const auto boundary = http::form_boundary(made.content_type);
  ASSERT_TRUE(boundary);
  const auto form = http::parse_multipart(made.body, *boundary);
  ASSERT_TRUE(form) << form.error().detail;
  std::string names;
  for (const auto& part : form->parts) names += std::string(part.name) + ' ';
  EXPECT_EQ(names, "action sessionId chatInput jwt_token metadata files files ");
  EXPECT_EQ(form->find("chatInput")->value, call.message);
  EXPECT_EQ(form->parts[5].file_name, "a.png");
  EXPECT_EQ(form->parts[5].content_type, "image/png");
  EXPECT_EQ(form->parts[5].value, call.files[0].content);
  EXPECT_EQ(form->parts[6].value, "x\r\n--b");
  EXPECT_NE(body_of(call, "token").content_type, made.content_type) << "a boundary for each";
}

}  // namespace
}  // namespace portcullis::upstream

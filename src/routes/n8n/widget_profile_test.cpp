#include "routes/n8n/widget_profile.hpp"

#include <gtest/gtest.h>

#include <string>

#include "config/loader.hpp"
#include "http/json_body.hpp"
#include "http/memory_exchange.hpp"

namespace portcullis::routes {
namespace {

using http::Code;

config::Settings defaults() {
  config::Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  return config::load(sources).settings;
}

class WidgetProfileTest : public testing::Test {
 protected:
  static http::FormPart field(std::string_view name, std::string_view value) {
    return {name, {}, {}, value, false};
  }
  static http::FormPart file(std::string_view name, std::string_view content) {
    return {"files", name, {}, content, true};
  }
  std::optional<Code> refused(const std::vector<http::FormPart>& parts) const {
    http::MultipartForm form;
    form.parts = {field("action", "sendMessage"), field("sessionId", id_), field("chatInput", "")};
    form.parts.insert(form.parts.end(), parts.begin(), parts.end());
    const auto problem = profile_.check(form);
    return problem ? std::optional(problem->code) : std::nullopt;
  }
  std::optional<Code> refused(std::string_view json) const {
    http::JsonBody body;
    body.value = *http::parse_json(json, {}, body.value.storage());
    const auto problem = profile_.check(body);
    return problem ? std::optional(problem->code) : std::nullopt;
  }

  const std::string id_ = std::string(20, 'a');
  config::Settings settings_ = defaults();
  WidgetProfile profile_{settings_};
  net::Worker worker_{0};
};

TEST_F(WidgetProfileTest, TakesWhatTheWidgetSends) {
  EXPECT_EQ(
      refused(R"({"action":"sendMessage","sessionId":"aaaaaaaaaaaaaaaaaaaa","chatInput":"x"})"),
      std::nullopt);
  EXPECT_EQ(refused(R"({"sessionId":"0123456789-_.~abcdef","chatInput":"x","metadata":null})"),
            std::nullopt)
      << "n8n takes no action for a message";
  EXPECT_EQ(
      refused(
          R"({"action":"loadPreviousSession","sessionId":"aaaaaaaaaaaaaaaaaaaa","metadata":{"a":[1]}})"),
      std::nullopt);
}

TEST_F(WidgetProfileTest, TakesFilesWithNamesThatMeanOneThing) {
  for (const char* name : {"a.txt", "100%.txt", "N\xc3\xb6tes & more (1).txt", "README"}) {
    EXPECT_EQ(refused({file(name, "x")}), std::nullopt) << name;
  }
  for (const char* name :
       {"", ".", "..", ".env", "a/b.txt", "..\\a.txt", "a:b.txt", "a%2Fb.txt", "a%22.txt",
        "&#0047;etc.txt", "a\xe2\x80\xaetxt.exe", "a\xe2\x81\xa6.txt", "a*.txt", "<a>.txt"}) {
    EXPECT_EQ(refused({file(name, "x")}), Code::validation_failed) << name;
  }
}

TEST_F(WidgetProfileTest, TakesOnlyFieldsAndFilesOfTheWidget) {
  EXPECT_EQ(refused(std::vector<http::FormPart>()), Code::validation_failed)
      << "no words and no files";
  EXPECT_EQ(refused({file("a.txt", "x"), field("jwt_token", "x")}), Code::schema_invalid);
  EXPECT_EQ(refused({file("a.txt", "x"), field("chatInput", "x")}), Code::schema_invalid);
  EXPECT_EQ(refused({{"other", "a.txt", {}, "x", true}}), Code::schema_invalid);
  EXPECT_EQ(refused({file("a.txt", "x"), field("metadata", "{\"a\":1,\"a\":2}")}),
            Code::validation_failed);
  const std::vector<http::FormPart> five(5, file("a.txt", "x"));
  EXPECT_EQ(refused(five), std::nullopt);
  const std::vector<http::FormPart> six(6, file("a.txt", "x"));
  EXPECT_EQ(refused(six), Code::schema_invalid);
}

TEST_F(WidgetProfileTest, ReadsTheCallThatItLetPass) {
  const std::string body =
      R"({"chatInput":"Hi","sessionId":"aaaaaaaaaaaaaaaaaaaa","metadata": {"n":1.50} })";
  http::MemoryExchange exchange(worker_, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", body);
  EXPECT_FALSE(profile_.visit_in(exchange, body)) << "nothing was read";
  EXPECT_FALSE(profile_.claim_in(exchange));
  exchange.json = std::make_unique<http::JsonBody>();
  exchange.json->value = *http::parse_json(body, {}, exchange.json->value.storage());
  const auto visit = profile_.visit_in(exchange, body);
  ASSERT_TRUE(visit);
  EXPECT_EQ(visit->action, upstream::N8nVisit::Action::send_message);
  EXPECT_EQ(visit->message, "Hi");
  EXPECT_EQ(visit->metadata_json, "{\"n\":1.50}");
  const auto claim = profile_.claim_in(exchange);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->id, id_);
  EXPECT_TRUE(claim->is_message);
}

}  // namespace
}  // namespace portcullis::routes

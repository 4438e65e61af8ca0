#include "routes/proxy/answer_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::routes {
namespace {

using Syntax = detect::LeakScanner::Syntax;

http::ResponseHeadView head_of(const std::string& type, int status = 200) {
  http::ResponseHeadView out;
  out.status = status;
  out.content_type = type;
  if (!type.empty()) out.fields.add("Content-Type", type);
  return out;
}

TEST(AnswerRules, ReadTextsAndNothingElse) {
  const auto syntax = [](const std::string& type) { return AnswerRules::syntax_of(head_of(type)); };
  for (const char* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/problem+json",
        "application/x-ndjson", "application/json-seq", "application/graphql-response+json",
        "application/geo+json-seq"}) {
    EXPECT_EQ(syntax(type), Syntax::json) << type;
  }
  for (const char* type :
       {"text/html", "application/xml", "application/atom+xml", "image/svg+xml"}) {
    EXPECT_EQ(syntax(type), Syntax::markup) << type;
  }
  for (const char* type :
       {"text/plain", "text/csv", "text/event-stream", "", "application/javascript",
        "application/x-javascript", "application/yaml", "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=x", "application/x-own", "message/rfc822"}) {
    EXPECT_EQ(syntax(type), Syntax::text) << type;
  }
  for (const char* type :
       {"image/png", "application/octet-stream", "application/pdf", "video/mp4", "application/zip",
        "font/woff2", "application/wasm",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}) {
    EXPECT_EQ(syntax(type), std::nullopt) << type;
  }
}

TEST(AnswerRules, DoNotLetPassWhatTheyCannotRead) {
  const auto fault = [](const http::ResponseHeadView& head) {
    return AnswerRules::fault_of(head).has_value();
  };
  EXPECT_FALSE(fault(head_of("application/json")));
  EXPECT_FALSE(fault(head_of("text/plain; charset=ISO-8859-1")));
  EXPECT_TRUE(fault(head_of("text/plain; charset=utf-16")));
  EXPECT_TRUE(fault(head_of("image/png", 206)));
  auto packed = head_of("text/plain");
  packed.fields.add("Content-Encoding", "identity");
  EXPECT_FALSE(fault(packed));
  packed.fields.add("Content-Encoding", "gzip");
  EXPECT_TRUE(fault(packed));
  auto image = head_of("image/svg");
  image.fields.add("Content-Encoding", "br");
  EXPECT_FALSE(fault(image)) << "it is not read anyway";
  auto twice = head_of("text/plain");
  twice.fields.add("Content-Type", "image/png");
  EXPECT_TRUE(fault(twice));
  auto binary_first = head_of("image/png");
  binary_first.fields.add("content-type", "application/json");
  binary_first.content_type = "image/png";
  EXPECT_TRUE(fault(binary_first)) << "whichever of them counts here";
  for (const char* type : {"application/json, application/json", "application/json text/html",
                           "json", "/json", "application/", "text/html\xc2\xa0", "*, */*",
                           "image/png;, text/html", "image/png, text/html"}) {
    EXPECT_TRUE(fault(head_of(type))) << type;
  }
}

TEST(AnswerRules, TakeAwayWhatSpeaksOfTheBytes) {
  http::HeaderBlock fields;
  for (const char* name : {"ETag", "Digest", "content-md5", "Accept-Ranges"}) fields.add(name, "x");
  fields.add("Cache-Control", "no-store");
  EXPECT_EQ(AnswerRules::without_digests(fields).text(), "Cache-Control: no-store\r\n");
}

TEST(AnswerRules, TellOfRulesAndNeverOfValues) {
  const auto rules = *detect::LeakRules::make(detect::embedded_leak_rules(), 1);
  config::ProtectedRoute route;
  route.leaks = config::LeakMode::mask;
  const auto own = AnswerRules::make(rules, route);
  ASSERT_TRUE(own);
  auto scanner = own->scanner(Syntax::text);
  std::string out;
  ASSERT_TRUE(scanner.put("ORA-00942: table HUNTER2\n", rules.memory(0), out));
  auto incident = own->incident(scanner.found(), "orders");
  EXPECT_EQ(incident.code, "RSP_001");
  EXPECT_EQ(incident.level, audit::ThreatLevel::medium);
  EXPECT_EQ(incident.details.at("rules"), "sql-oracle");
  EXPECT_EQ(incident.details.at("leaks"), "masked");
  EXPECT_EQ(incident.description.find("HUNTER2"), std::string::npos);
  ASSERT_TRUE(scanner.put("AKIA" + std::string(16, 'A') + "\n", rules.memory(0), out));
  EXPECT_EQ(own->incident(scanner.found(), "orders").level, audit::ThreatLevel::high);
  route.leaks_except = {"no-such-rule"};
  EXPECT_FALSE(AnswerRules::make(rules, route));
}

}  // namespace
}  // namespace portcullis::routes

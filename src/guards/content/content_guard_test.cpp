#include "guards/content/content_guard.hpp"

#include <string>

#include "detect/engine.hpp"
#include "guards/content/passed_values.hpp"
#include "guards/content/request_texts.hpp"
#include "http/json_body.hpp"
#include "http/memory_exchange.hpp"
#include "pipeline/route.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

/// An inspector that cannot decide.
class Broken final : public detect::Inspector {
 public:
  Result<std::unique_ptr<detect::Scratch>> make_scratch() const override {
    return std::make_unique<detect::Scratch>();
  }
  Result<detect::Finding> inspect(std::string_view, detect::Field,
                                  detect::Scratch&) const override {
    return fail(ErrorCode::internal, "broken");
  }
};

/// Passes everything, and tells what it was asked.
class Asked final : public detect::Inspector {
 public:
  Result<std::unique_ptr<detect::Scratch>> make_scratch() const override {
    return std::make_unique<detect::Scratch>();
  }
  Result<detect::Finding> inspect(std::string_view text, detect::Field,
                                  detect::Scratch&) const override {
    asked += std::string(text) + "|";
    return detect::Finding{};
  }
  mutable std::string asked;
};

class ContentGuardTest : public testing::Test {
 protected:
  ContentGuardTest() {
    engine_ = *detect::Engine::make(detect::embedded_rules());
    guard_ = *make_content_guard(*engine_, metrics_, 1);
    route_.prose = {"title"};
    route_.urls = {"page_url"};
  }

  pipeline::Verdict decide(const std::string& target, const std::string& fields = "",
                           const std::string& body = "") {
    http::MemoryExchange exchange(
        worker_, "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", body);
    exchange.route = &route_;
    if (!body.empty()) {
      exchange.json = std::make_unique<http::JsonBody>();
      exchange.json->value = *http::parse_json(body, {}, exchange.json->value.storage());
    }
    auto decision = guard_->on_request(exchange);
    EXPECT_TRUE(decision.ready());
    return *decision.value();
  }
  /// The codes of the event, joined; empty where the request passes.
  std::string refused(const std::string& target, const std::string& fields = "",
                      const std::string& body = "") {
    const auto verdict = decide(target, fields, body);
    if (verdict.kind == pipeline::Verdict::Kind::pass) return "";
    EXPECT_EQ(verdict.problem.code, http::Code::content_refused);
    EXPECT_EQ(verdict.incident.type, audit::EventType::input_validation);
    std::string codes = verdict.incident.code;
    for (const auto& code : verdict.incident.further_codes) codes += "," + code;
    return codes;
  }
  std::string refused_body(const std::string& body) { return refused("/", "", body); }

  net::Worker worker_{0};
  observe::Metrics metrics_;
  pipeline::Route route_;
  std::unique_ptr<detect::Engine> engine_;
  std::unique_ptr<pipeline::Guard> guard_;
};

TEST_F(ContentGuardTest, RefusesAttacksWhereverTheyAre) {
  PROVES("F166");
  EXPECT_EQ(refused_body(R"({"message":"<script>alert(1)</script>"})"), "VAL_003");
  EXPECT_EQ(refused_body(R"({"a":[{"b":["1' OR '1'='1"]}]})"), "VAL_002");
  EXPECT_EQ(refused_body(R"({"1' OR '1'='1":1})"), "VAL_002") << "a key";
  EXPECT_EQ(refused("/x?file=../../etc/passwd"), "VAL_004");
  EXPECT_EQ(refused("/x?1'+or+'1'='1=2"), "VAL_002") << "the name of a parameter";
  EXPECT_EQ(refused("/..%2f..%2fetc/passwd"), "VAL_004");
  EXPECT_EQ(refused("/", "X-Thing: ${jndi:ldap://x/a}\r\n"), "VAL_011,VAL_014,SEC_002");
}

TEST_F(ContentGuardTest, PassesOrdinaryRequests) {
  EXPECT_EQ(refused("/api/v1/chat/history?limit=50&offset=0"), "");
  EXPECT_EQ(refused_body(R"({"message":"Drop me a line; select a plan","n":1,"b":null})"), "");
  EXPECT_EQ(refused("/a",
                    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101\r\n"
                    "Sec-Fetch-Dest: script\r\nAccept: text/javascript, */*;q=0.1\r\n"
                    "Referer: https://example.com/subscription?q=a%20b\r\n"
                    "CF-Visitor: {\"scheme\":\"https\"}\r\nCF-Ray: 8e5f1c2d3a4b5c6d-FRA\r\n"
                    "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\n"
                    "Cookie: chat_session_id=abc--def'x\r\n"),
            "");
}

TEST_F(ContentGuardTest, HoldsProseAndStructureApart) {
  const std::string text = "select name from users";
  EXPECT_EQ(refused_body(R"({"message":")" + text + R"("})"), "");
  EXPECT_EQ(refused_body(R"({"title":[")" + text + R"("]})"), "") << "what the route names";
  EXPECT_EQ(refused_body(R"({"other":")" + text + R"("})"), "VAL_002");
}

TEST_F(ContentGuardTest, PassesThePageOfAnInternalSite) {
  EXPECT_EQ(refused_body(R"({"page_url":"http://localhost:3000/pricing"})"), "");
  EXPECT_EQ(refused_body(R"({"target":"http://localhost:3000/pricing"})"), "VAL_011");
  EXPECT_EQ(refused_body(R"({"page_url":"http://localhost/?q=<script>alert(1)</script>"})"),
            "VAL_003");
}

TEST_F(ContentGuardTest, RefusesHeadersThatBreakTheirGrammar) {
  PROVES("F152");
  EXPECT_EQ(refused("/", "Accept: <script>\r\n"), "SEC_002");
  EXPECT_EQ(refused("/", "Referer: https://example.com/<b>\r\n"), "SEC_002");
}

TEST_F(ContentGuardTest, SaysNothingOfTheTextAndCountsItsClass) {
  PROVES("F166,F200");
  const auto verdict = decide("/", "", R"({"message":"hush <script>secret()</script>"})");
  EXPECT_EQ(verdict.incident.description.find("secret"), std::string::npos);
  EXPECT_EQ(verdict.incident.details.at("classes"), "xss");
  EXPECT_EQ(verdict.incident.details.at("place"), "body");
  EXPECT_NE(metrics_.text().find("portcullis_content_findings_total{class=\"xss\"} 1"),
            std::string::npos);
}

TEST_F(ContentGuardTest, CannotDecideWhereItsInspectorCannot) {
  const Broken broken;
  guard_ = *make_content_guard(broken, metrics_, 1);
  http::MemoryExchange exchange(worker_, "GET /a?b=c'd HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.route = &route_;
  auto decision = guard_->on_request(exchange);
  EXPECT_FALSE(decision.value().has_value());
}

TEST_F(ContentGuardTest, JudgesAHeaderOfABrowserOnce) {
  const Asked inspector;
  guard_ = *make_content_guard(inspector, metrics_, 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refused("/a", "User-Agent: Moz (X11)\r\n"), "");
  EXPECT_EQ(inspector.asked, "Moz (X11)|");
  EXPECT_EQ(refused("/a", "X-Thing: Moz (X11)\r\n"), "") << "now it is structure";
  EXPECT_EQ(refused("/a", "User-Agent: Moz (X12)\r\n"), "");
  EXPECT_EQ(inspector.asked, "Moz (X11)|Moz (X11)|Moz (X12)|");
  const std::string long_value(PassedValues::kLongest + 1, '(');
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refused("/a", "User-Agent: " + long_value + "\r\n"), "");
  EXPECT_EQ(inspector.asked.size(), 30 + 2 * (long_value.size() + 1)) << "judged both times";
}

TEST_F(ContentGuardTest, RefusesTheSameHeaderAgain) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(refused("/", "X-Thing: ${jndi:ldap://x/a}\r\n"), "VAL_011,VAL_014,SEC_002");
  }
}

TEST(RequestTexts, GivesLongTextsInWindowsThatOverlap) {
  net::Worker worker(0);
  pipeline::Route route;
  http::MemoryExchange exchange(worker, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  exchange.route = &route;
  const std::string body = "\"" + std::string(3 * RequestTexts::kWindow, 'x') + "\"";
  exchange.json = std::make_unique<http::JsonBody>();
  exchange.json->value = *http::parse_json(body, {}, exchange.json->value.storage());
  RequestTexts texts(exchange);
  RequestText text;
  std::size_t windows = 0;
  std::size_t bytes = 0;
  while (texts.next(text)) {
    EXPECT_LE(text.text.size(), RequestTexts::kWindow);
    if (text.place != "body") continue;
    ++windows;
    bytes += text.text.size();
  }
  EXPECT_EQ(windows, 4U);
  EXPECT_EQ(bytes, 3 * RequestTexts::kWindow + 3 * RequestTexts::kOverlap);
}

}  // namespace
}  // namespace portcullis::guards

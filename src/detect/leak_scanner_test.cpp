#include "detect/leak_scanner.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>
#include <vector>

namespace portcullis::detect {
namespace {

using Syntax = LeakScanner::Syntax;

/// So many characters that could be those of a key; none is one of anybody.
std::string filler(std::size_t count) {
  std::string out;
  while (out.size() < count) out += "A1B2C3D4";
  return out.substr(0, count);
}
const std::string kKey = "ghp_" + filler(36);

class LeakScannerTest : public testing::Test {
 protected:
  LeakScannerTest() : rules_(*LeakRules::make(embedded_leak_rules(), 1)) {}

  /// What comes out of these pieces.
  std::string scan(const std::vector<std::string_view>& pieces, Syntax syntax = Syntax::text) {
    LeakScanner scanner(rules_, *rules_.all_but({}), syntax);
    std::string out;
    for (const auto piece : pieces) EXPECT_TRUE(scanner.put(piece, rules_.memory(0), out));
    EXPECT_TRUE(scanner.finish(rules_.memory(0), out));
    found_ = scanner.found();
    return out;
  }
  std::string scan_json(std::string_view text) {
    std::string out = scan({text}, Syntax::json);
    boost::system::error_code error;
    (void)boost::json::parse(out, error);
    EXPECT_FALSE(error) << out;
    return out;
  }
  std::string names() const {
    std::string out;
    for (std::size_t i = 0; i < rules_.rules().size(); ++i) {
      if (found_.test(i)) (out += out.empty() ? "" : ",") += rules_.rules()[i].id;
    }
    return out;
  }

  LeakRules rules_;
  RuleSet found_;
};

/// Every rule holds what its own file says.
TEST_F(LeakScannerTest, RulesMatchAndPassTheirTexts) {
  ASSERT_GE(rules_.rules().size(), 20U);
  for (std::size_t i = 0; i < rules_.rules().size(); ++i) {
    const auto& rule = rules_.rules()[i];
    for (const auto text : rule.must_match) {
      for (const auto syntax : {Syntax::text, Syntax::markup}) {
        EXPECT_NE(scan({text}, syntax), text);
        EXPECT_TRUE(found_.test(i)) << rule.id << " must match " << text;
      }
    }
    for (const auto text : rule.must_pass) {
      (void)scan({text});
      EXPECT_FALSE(found_.test(i)) << rule.id << " must pass " << text;
    }
  }
}

TEST_F(LeakScannerTest, PutsAMaskInThePlaceOfATokenAndLeavesTheRest) {
  EXPECT_EQ(scan({"key=" + kKey + ", ok"}), "key=[masked], ok");
  EXPECT_EQ(names(), "key-github");
  EXPECT_EQ(scan({kKey}), "[masked]");
  EXPECT_EQ(scan({kKey + "\n" + kKey + " " + kKey}), "[masked]\n[masked] [masked]");
  EXPECT_EQ(scan({"AKIA" + filler(16) + "."}), "[masked].");
  EXPECT_EQ(scan({"a\\n" + kKey}), "a\\n[masked]") << "an escape in a text";
  EXPECT_EQ(scan({"x" + kKey}), "x" + kKey) << "the end of a longer word";
}

TEST_F(LeakScannerTest, MasksTheLineOfATraceOrError) {
  EXPECT_EQ(scan({"Sorry\n\tat com.shop.Orders.find(Orders.java:42)\r\nBye"}),
            "Sorry\n[masked]\r\nBye");
  EXPECT_EQ(scan({"  File \"/x/a.py\", line 3, in f\n    secret = load()\nValueError: x"}),
            "[masked]\nValueError: x")
      << "with the line of source behind it";
  EXPECT_EQ(names(), "trace-python");
  EXPECT_EQ(scan({"<p>Error: <b>SQLSTATE[42S02]: no table</b> - <i>sorry</i>"}, Syntax::markup),
            "<p>Error: <b>[masked]</b> - <i>sorry</i>");
}

TEST_F(LeakScannerTest, LeavesJsonThatIsJson) {
  EXPECT_EQ(scan_json("{\"key\":\"" + kKey + "\",\"n\":1}"), "{\"key\":\"[masked]\",\"n\":1}");
  EXPECT_EQ(scan_json("[\"a\\n" + kKey + "\\\"b\"]"), "[\"a\\n[masked]\\\"b\"]");
  EXPECT_EQ(scan_json("[\"\\u0022" + kKey + "\"]"), "[\"\\u0022[masked]\"]");
  EXPECT_EQ(scan_json(R"({"e":"Oops\n  File \"/a/b.py\", line 3, in f\n    g()\nEnd","n":"x"})"),
            R"({"e":"Oops\n[masked]\nEnd","n":"x"})");
  EXPECT_EQ(scan_json(R"({"e":"at A.B() in C:\\new\\a.cs:line 3\r\nok"})"),
            R"({"e":"[masked]\r\nok"})");
  EXPECT_EQ(scan_json(R"({"e":"near \"x\": syntax error \u00e9"})"), R"({"e":"[masked]"})");
  EXPECT_EQ(scan_json(R"({"e":"no such table: a\\"})"), R"({"e":"[masked]"})");
  // What goes back so far begins in the middle of the escape.
  const std::string before = "[\"" + std::string(3000, 'x') + "\\u00e9";
  const std::string near(LeakScanner::kReach - 2 - 11, ' ');
  EXPECT_EQ(scan_json(before + near + "ORA-00942: y\"]"), before + "[masked]\"]");
  EXPECT_EQ(scan_json(R"(["a\nORA-00942: x\ngoroutine 1 [running]"])"),
            R"(["a\n[masked]\n[masked]"])")
      << "an escape is no part of a word";
}

TEST_F(LeakScannerTest, MasksAPrivateKeyToItsEnd) {
  const std::string dashes = "-----";
  const std::string begin = dashes + "BEGIN RSA PRIVATE KEY" + dashes;
  const std::string end = dashes + "END RSA PRIVATE KEY" + dashes;
  std::string body;
  for (int i = 0; i < 60; ++i) body += filler(64) + "\n";
  EXPECT_EQ(scan({"a\n" + begin + "\n" + body + end + "\nAnd so on\n"}),
            "a\n[masked]\nAnd so on\n");
  std::string escaped;
  for (int i = 0; i < 60; ++i) escaped += filler(62) + "\\/\\n";
  EXPECT_EQ(scan_json("{\"k\":\"" + begin + "\\n" + escaped + end + "\\n\",\"n\":1}"),
            "{\"k\":\"[masked]\\n\",\"n\":1}");
  EXPECT_EQ(scan_json("{\"k\":\"" + begin + "\\n" + escaped + "\",\"n\":1}"),
            "{\"k\":\"[masked]\",\"n\":1}")
      << "one that has no end";
  EXPECT_EQ(
      scan({begin + "\n" + filler(30) + "\nAKIA" + filler(16) + "\n" + filler(9) + "\n" + end}),
      "[masked]")
      << "whatever is found inside of it";
  EXPECT_EQ(scan({begin + filler(40'000)}).size(), 8 + 40'000 - LeakScanner::kLongestTail);
}

TEST_F(LeakScannerTest, TokensGoOnBehindWhatNamesThem) {
  const std::string jwt = "eyJhbGciOi" + filler(900) + "." + filler(3000) + "." + filler(86);
  EXPECT_EQ(scan({"Bearer " + jwt + "; x"}), "Bearer [masked]; x");
  EXPECT_EQ(scan_json("{\"t\":\"" + jwt + "\"}"), "{\"t\":\"[masked]\"}");
}

TEST_F(LeakScannerTest, GivesTheSameHoweverTheTextIsCut) {
  const std::string dashes = "-----";
  const std::string texts[] = {
      "a " + kKey + "\nb\n\tat x.Y.z(Y.java:12)\r\nAKIA" + filler(16) + " -- " + kKey,
      "{\"a\":\"x\\u00e9\\n" + kKey +
          "\\\"\",\"e\":\"  File \\\"/a.py\\\", line 3, in f\\n  g()\\nE\"}",
      dashes + "BEGIN PRIVATE KEY" + dashes + "\n" + filler(100) + "\n" + dashes +
          "END PRIVATE KEY" + dashes + "\nrest",
      "{\"k\":\"" + dashes + "BEGIN EC PRIVATE KEY" + dashes + "\\n" + filler(50) +
          "\\n\",\"m\":2}",
      std::string(1100, 'y') + " SQLSTATE[42S02] " + std::string(1100, 'z') + kKey,
      "<p>" + kKey + "</p><b>/var/www/a.php</b> on line <b>3</b>",
      std::string(5000, 'q') + "\"" + kKey + "\\\\\" \\u12",
  };
  for (const auto& text : texts) {
    for (const auto syntax : {Syntax::text, Syntax::markup, Syntax::json}) {
      const std::string whole = scan({text}, syntax);
      const auto found = found_;
      EXPECT_TRUE(found.any()) << text;
      for (std::size_t at = 0; at <= text.size(); ++at) {
        const std::string_view view = text;
        ASSERT_EQ(scan({view.substr(0, at), view.substr(at)}, syntax), whole)
            << text << " at " << at;
        ASSERT_EQ(found_, found);
      }
      std::vector<std::string_view> bytes;
      for (const char& c : text) bytes.emplace_back(&c, 1);
      EXPECT_EQ(scan(bytes, syntax), whole) << text;
    }
  }
}

TEST_F(LeakScannerTest, HoldsBackOnlyTheLineThatIsNotComplete) {
  LeakScanner scanner(rules_, *rules_.all_but({}), Syntax::text);
  std::string out;
  ASSERT_TRUE(scanner.put("data: one\n\ndata: t", rules_.memory(0), out));
  EXPECT_EQ(out, "data: one\n\n");
  ASSERT_TRUE(scanner.put(std::string(3000, 'x'), rules_.memory(0), out));
  EXPECT_EQ(out.size(), 11 + 7 + 3000 - LeakScanner::kReach);
}

TEST_F(LeakScannerTest, LeavesOutTheRulesThatItIsToldTo) {
  const std::vector<std::string> names{"token-jwt"};
  const auto asked = rules_.all_but(names);
  ASSERT_TRUE(asked);
  LeakScanner scanner(rules_, *asked, Syntax::text);
  const std::string jwt = "eyJhbGciOi" + filler(20) + ".e30." + filler(20);
  std::string out;
  ASSERT_TRUE(scanner.put(jwt + " " + kKey, rules_.memory(0), out));
  ASSERT_TRUE(scanner.finish(rules_.memory(0), out));
  EXPECT_EQ(out, jwt + " [masked]");
  const std::vector<std::string> unknown{"token-none"};
  EXPECT_EQ(rules_.all_but(unknown).error().code, ErrorCode::invalid_input);
}

TEST_F(LeakScannerTest, PassesWhatPeopleAndServicesOrdinarilySay) {
  for (
      const std::string_view text : {
          R"({"id":"b7d1c1a0-5f0e-4f6a-9b1e-2f4f7c1d2e3f","created":"2026-01-02T03:04:05.678Z"})",
          R"({"etag":"d41d8cd98f00b204e9800998ecf8427e","sha256":"e3b0c44298fc1c149afbf4c8996fb924"})",
          R"({"image":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk","next":null})",
          R"({"error":{"code":404,"message":"The order does not exist."}})",
          R"({"url":"https://shop.example.com/app/main.js?v=3","path":"/api/v2/orders/42"})",
          "Please select the table at the window, order by phone, and drop in on us at 12:30:45.",
          "I had an error in my SQL homework; the column about Java exceptions was great.",
          "The team will trace back the most recent call and go: line 42 is in the file.",
          "Use sk-learn and ask-me-anything; pk_test is public, and so is AKIA as a word.",
          "Meet us at Systems (Main Street 5). Caused by rain, the game ended ... 12 more to come",
          "<p>See <a href=\"/docs/index.php?id=3\">docs</a>, chapter 3:12, verse 5</p>",
          "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7k user@example.com",
      }) {
    for (const auto syntax : {Syntax::text, Syntax::markup, Syntax::json}) {
      EXPECT_EQ(scan({text}, syntax), text) << names();
      EXPECT_TRUE(found_.none());
    }
  }
}

}  // namespace
}  // namespace portcullis::detect

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

/// A key in lines as an encoder or a layout leaves them.
TEST_F(LeakScannerTest, MasksAPrivateKeyInWhateverLayout) {
  const std::string dashes = "-----";
  const std::string begin = dashes + "BEGIN RSA PRIVATE KEY" + dashes;
  const std::string end = dashes + "END RSA PRIVATE KEY" + dashes;
  const std::string line = "S3CR" + filler(60);
  const auto key = [&](const std::string& before, const std::string& after) {
    std::string out = begin + after;
    for (int i = 0; i < 30; ++i) out += before + line + after;
    return out + before + end;
  };
  const auto masks = [&](const std::string& text, Syntax syntax) {
    const std::string out = syntax == Syntax::json ? scan_json(text) : scan({text}, syntax);
    EXPECT_EQ(out.find("S3CR"), std::string::npos) << text.substr(0, 200) << "\n" << out;
    return out;
  };
  for (const std::string after : {"&#x2B;S3CR&#x2F;\n", "%2BS3CR\n", "\\r\\n", "\\u002bS3CR\n",
                                  "\\n\" +\n", "\n> ", "\n * ", "\n  | ", "\n# ", " (1.)\n"}) {
    for (const auto syntax : {Syntax::text, Syntax::markup}) {
      const std::string out = masks("a " + key("", after) + "\nAnd so on.", syntax);
      EXPECT_TRUE(out.starts_with("a [masked]") && out.ends_with("[masked]\nAnd so on.")) << out;
    }
  }
  EXPECT_EQ(masks("<pre>" + begin + "<br>" + line + "<br/>" + line + end + "</pre><b>x</b>",
                  Syntax::markup),
            "<pre>[masked]<br>[masked]<br/>[masked]</pre><b>x</b>");
  masks(key("<tr><td class=\"" + std::string(300, 'c') + "\">", "</td></tr>"), Syntax::markup);
  masks("<l>" + key("<l><![CDATA[", "]]></l>"), Syntax::markup);
  EXPECT_EQ(
      masks("<l t=\"" + begin + "\"/><l class='x' t=\"" + line + "\"/>" + end, Syntax::markup),
      "<l t=\"[masked]\"[masked]><l class='[masked]' t=\"[masked]\"/>[masked]")
      << "quotes stay";
  EXPECT_EQ(
      masks("<l>" + begin + "<![CDATA[" + line + "]]></l><!--" + line + "--><b>" + end + "</b>",
            Syntax::markup),
      "<l>[masked]<![CDATA[[masked]]]></l><!--[masked]--><b>[masked]</b>");
  masks("<pre>" + key("< ", "\n") + "</pre>", Syntax::markup);
  masks(begin + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF\n\n" + line,
        Syntax::text);
  masks(
      dashes + "BEGIN PGP PRIVATE KEY BLOCK" + dashes + "\nVersion: GnuPG v2.0 (x.org!)\n\n" + line,
      Syntax::text);

  EXPECT_EQ(masks(R"({"k": [")" + begin + "\", \n \"" + line + R"(", ")" + line + R"(",")" + end +
                      R"("], "user": "anna", "n": 1})",
                  Syntax::json),
            "{\"k\": [\"[masked]\", \n \"[masked]\", \"[masked]\",\"[masked]\"], "
            R"("user": "anna", "n": 1})");
  masks("[\"" + key("", "\\u002bS3CR\",\"") + "\"]", Syntax::json);
  masks("[\"" + key("", "\\n\\\"S3CR&#43;") + "\"]", Syntax::json);
  masks(R"([{"log":")" + key("", R"(","n":17},{"log":")") + "\"}]", Syntax::json);
  EXPECT_EQ(masks(R"({"a":")" + begin + R"(","b":")" + line + R"(","c":[1,")" + line + R"("]})",
                  Syntax::json),
            R"({"a":"[masked]","b":"[masked]","c":[1,"[masked]"]})")
      << "names stay";
}

TEST_F(LeakScannerTest, AHeadAloneHidesLittle) {
  const std::string begin = "-----BEGIN PRIVATE KEY-----";
  std::string prose;
  while (prose.size() < 2000) prose += "some words, and 5d41402abc4b2a76b9719d911017c592 of them. ";
  EXPECT_EQ(scan({begin + prose}), "[masked]" + prose.substr(PemTail::kLongestGap));
  const std::string out = scan_json(R"([{"note":")" + begin + R"(","n":")" + prose + "\"}]");
  EXPECT_EQ(out,
            R"([{"note":"[masked]","n":"[masked])" + prose.substr(PemTail::kLongestGap) + "\"}]");
}

/// Both are how frameworks write them, and what stands behind is no longer word.
TEST_F(LeakScannerTest, FindsWhatFrameworksEscape) {
  for (const char* text :
       {R"(Unknown column \u0027a\u0027 in \u0027where clause\u0027)",
        "Unknown column &#039;a&#039; in &#039;where clause&#039;",
        "Unknown column &#39;a&#39; in &#39;where",
        "Table &#x27;a.b&#x27; "
        "doesn&#x27;t exist",
        R"(syntax error at or near \u0022WHERE\u0022)",
        "relation &quot;orders&quot; does not exist", R"(relation \\\"orders\\\" does not exist)",
        "File &#34;/x/a.py&#34;, line 3, in f", R"(a.php<\/b> on line <b>3)",
        R"(in \/var\/www\/html\/app\/index.php)", R"(in &#x2F;srv&#x2F;app&#x2F;index.php)",
        R"(a.php\u003c/b\u003e on line \u003cb\u003e3)", "q=%0AORA-00942: x",
        "%22goroutine 1 [running]"}) {
    const std::string in_string = "[\"" + std::string(text) + "\"]";
    EXPECT_EQ(scan_json(in_string), R"(["[masked]"])") << text;
    (void)scan({text}, Syntax::text);
    EXPECT_TRUE(found_.any()) << text;
  }
  EXPECT_EQ(scan_json(R"(["Oops\n/var/www/a.php"])"), R"(["Oops\n[masked]"])");
  for (const std::string before :
       {"token%3D", "%20", "%22", "%253D", "%25253d", "\\x22", "\\u003d", "&quot;", "\\t"}) {
    EXPECT_EQ(scan({before + kKey}), before + "[masked]");
  }
  for (const std::string before : {"%2", "3D", "%G0", "u003d", "\\u03d", "x22"}) {
    EXPECT_EQ(scan({before + kKey}), before + kKey) << "the end of a longer word";
  }
  EXPECT_EQ(scan_json(R"(["{\"k\":\"\\u0022)" + kKey + R"(\"}"])"),
            R"(["{\"k\":\"\\u0022[masked]\"}"])");
  for (const std::string_view text :
       {R"(https:\/\/shop.example.com\/app\/index.php?x)",
        "https:&#x2F;&#x2F;shop.example.com&#x2F;app&#x2F;index.php", "&quot;/docs/index.php&quot;",
        "it&#39;s near &quot;x&quot;"}) {
    EXPECT_EQ(scan({text}), text) << names();
  }
}

/// Each match looks back only to the one before it, and finds what it would find alone.
TEST_F(LeakScannerTest, LooksAtALineOfManyMatchesOnce) {
  const std::string hit = "main.go:12 ";
  std::string line;
  while (line.size() < 3000) line += hit;
  EXPECT_EQ(scan({line + "\nBye"}), "[masked]\nBye");
  EXPECT_EQ(scan({"a\n" + hit + hit + "\r\n" + hit + "\n\n" + hit}),
            "a\n[masked]\r\n[masked]\n\n[masked]");
  const std::string before(2000, 'x');
  EXPECT_EQ(scan({before + hit + hit + "\nb"}),
            before.substr(0, 2000 + hit.size() - 1 - LeakScanner::kReach) + "[masked]\nb");
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
      "[\"" + dashes + "BEGIN PRIVATE KEY" + dashes + "\", {\"n\":\"" + filler(60) +
          "\\u002b\"},7,\"" + filler(300) + " " + std::string(400, '.') + "\"]",
      "<i>" + dashes + "BEGIN PRIVATE KEY" + dashes + "<br>" + filler(60) + "&#43;< x<br" +
          std::string(300, ' ') + ">" + dashes + "END PRIVATE KEY" + dashes + "</i>rest",
      "%3D" + kKey + " %253D" + kKey + " \\u0022" + kKey,
      std::string(1200, 'y') + "a.go:1 b.go:2 " + std::string(900, 'z') + "c.go:3 d.go:4 e",
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

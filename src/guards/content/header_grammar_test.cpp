#include "guards/content/header_grammar.hpp"

#include "proves.hpp"

namespace portcullis::guards {
namespace {

TEST(HeaderGrammar, PassesWhatBrowsersAndProxiesSend) {
  PROVES("F152");
  for (const char* value :
       {"script", "text/javascript, application/javascript;q=0.9, */*;q=0.1",
        "\"Google Chrome\";v=\"131\", \"Chromium\";v=\"131\", \"Not_A Brand\";v=\"24\"",
        "\"Not/A)Brand\";v=\"8\"", "de-CH,de;q=0.9,en;q=0.8", "multipart/form-data; boundary=----x",
        "for=\"[2001:db8::1]:4711\";proto=https", "W/\"67ab43\", \"54ed21\"", "?1", "u=1, i",
        "Sat, 21 Nov 2026 22:43:15 GMT", "bytes=0-1023", "203.0.113.7, 2001:db8::2", "en", ""}) {
    EXPECT_TRUE(follows_grammar(value)) << value;
  }
}

TEST(HeaderGrammar, RefusesWhatIsNoListOfTokens) {
  PROVES("F152");
  for (const char* value : {"<script>", "text/html, <img src=x>", "${jndi:ldap://x}", "a\\b",
                            "\"open", "en\"<b>\"", "{{7*7}}", "en>x"}) {
    EXPECT_FALSE(follows_grammar(value)) << value;
  }
}

TEST(HeaderGrammar, KnowsUrlsByTheirCharacters) {
  PROVES("F152");
  EXPECT_TRUE(is_url_text("https://example.com/subscription?x=javascript"));
  EXPECT_FALSE(is_url_text("https://example.com/<script>"));
  EXPECT_FALSE(is_url_text("https://example.com/a b"));
}

TEST(HeaderGrammar, SortsHeadersByName) {
  EXPECT_EQ(kind_of_header("Sec-Fetch-Dest"), HeaderKind::grammar);
  EXPECT_EQ(kind_of_header("ACCEPT"), HeaderKind::grammar);
  EXPECT_EQ(kind_of_header("Referer"), HeaderKind::url);
  EXPECT_EQ(kind_of_header("User-Agent"), HeaderKind::words);
  EXPECT_EQ(kind_of_header("Cookie"), HeaderKind::credential);
  EXPECT_EQ(kind_of_header("X-Challenge-Solution"), HeaderKind::credential);
  EXPECT_EQ(kind_of_header("X-Thing"), HeaderKind::unknown);
}

}  // namespace
}  // namespace portcullis::guards

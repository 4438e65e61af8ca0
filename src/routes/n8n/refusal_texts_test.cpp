#include "routes/n8n/refusal_texts.hpp"

#include <gtest/gtest.h>

#include <set>

namespace portcullis::routes {
namespace {

using http::Code;

TEST(RefusalTexts, AreInTheLanguageThatTheBrowserPrefers) {
  const RefusalTexts texts({config::SiteSettings{}});
  const auto english = texts.find(0, Code::rate_limited, "");
  EXPECT_TRUE(english.starts_with("That was a lot"));
  EXPECT_EQ(texts.find(0, Code::rate_limited, "ja, *"), english);
  EXPECT_TRUE(texts.find(0, Code::rate_limited, "de-CH").starts_with("Das war viel"));
  EXPECT_TRUE(texts.find(0, Code::rate_limited, "en;q=0.3, fr;q=0.9").starts_with("Cela fait"));
  EXPECT_EQ(texts.find(0, Code::rate_limited, "de;q=0, en"), english);
}

TEST(RefusalTexts, SayEachKindInEachLanguageInWordsOfItsOwn) {
  const RefusalTexts texts({config::SiteSettings{}});
  std::set<std::string_view> seen;
  for (const char* language : {"en", "de", "fr", "es", "it", "pt", "nl", "pl"}) {
    for (const auto code :
         {Code::rate_limited, Code::address_blocked, Code::content_refused, Code::schema_invalid,
          Code::payload_too_large, Code::unsupported_media_type, Code::upstream_timeout,
          Code::upstream_error}) {
      const auto text = texts.find(0, code, language);
      EXPECT_FALSE(text.empty());
      EXPECT_TRUE(seen.insert(text).second) << text;
    }
  }
}

TEST(RefusalTexts, OfASiteComeFirst) {
  config::SiteSettings site;
  site.texts = {{"de", {{"RATE_LIMITED", "Langsam!"}}}, {"en", {{"CONTENT_REFUSED", "No."}}}};
  const RefusalTexts texts({site, config::SiteSettings{}});
  EXPECT_EQ(texts.find(0, Code::rate_limited, "de-AT"), "Langsam!");
  EXPECT_TRUE(texts.find(0, Code::stream_limit, "de").starts_with("Das war viel"));
  EXPECT_EQ(texts.find(0, Code::content_refused, "xx"), "No.");
  EXPECT_TRUE(texts.find(1, Code::rate_limited, "de").starts_with("Das war viel"));
}

TEST(RefusalTexts, AreForCodesThatExist) {
  config::SiteSettings site;
  site.id = "shop";
  site.texts = {{"de", {{"RATE_LIMITED", "a"}, {"RATE_LIMITD", "b"}}}};
  EXPECT_EQ(RefusalTexts::check(site),
            std::vector<std::string>{"texts of site shop: RATE_LIMITD is no error code"});
}

}  // namespace
}  // namespace portcullis::routes

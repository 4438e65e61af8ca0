#include "guards/bot/agent_table.hpp"

#include "guards/bot/browser_evidence.hpp"
#include "http/head_parser.hpp"
#include "proves.hpp"

namespace portcullis::guards {
namespace {

constexpr const char* kChrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36";
constexpr const char* kFirefox =
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
constexpr const char* kSafari =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

TEST(AgentTableTest, KnowsTheProgramsThatAreNoBrowsers) {
  PROVES("F051");
  const AgentTable agents;
  // The ten words of the promise.
  for (const char* line : {"Googlebot/2.1", "SomeCrawler/1.0", "Baiduspider/2.0", "site-scraper/3",
                           "curl/8.5.0", "Wget/1.21.4", "python-requests/2.31.0",
                           "PostmanRuntime/7.36.0", "insomnia/2023.5.8", "HTTPie/3.2.2"}) {
    const auto cls = agents.classify(line);
    EXPECT_TRUE(cls == AgentClass::tool || cls == AgentClass::crawler) << line;
  }
  EXPECT_EQ(agents.classify("Mozilla/5.0 (compatible; bingbot/2.0; "
                            "+http://www.bing.com/bingbot.htm)"),
            AgentClass::crawler);
  EXPECT_EQ(agents.classify("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/)"),
            AgentClass::crawler);
  EXPECT_EQ(agents.classify("SomethingUnknown (+https://example.com/about)"), AgentClass::crawler);
  EXPECT_EQ(agents.classify("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
                            "Gecko) HeadlessChrome/126.0.0.0 Safari/537.36"),
            AgentClass::headless);
  EXPECT_EQ(agents.classify("sqlmap/1.8#stable (https://sqlmap.org)"), AgentClass::scanner);
  EXPECT_EQ(agents.classify("Mozilla/5.00 (Nikto/2.1.6) (Evasions:None)"), AgentClass::scanner);
  EXPECT_EQ(agents.classify("axios/1.6.8"), AgentClass::library);
  EXPECT_EQ(agents.classify("node"), AgentClass::library);
}

TEST(AgentTableTest, NoTelephoneIsABot) {
  PROVES("F051");
  const AgentTable agents;
  for (const std::string& line :
       {std::string(kChrome), std::string(kFirefox), std::string(kSafari),
        // Names that contain the words.
        std::string("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like "
                    "Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"),
        std::string("Mozilla/5.0 (Linux; Android 10; CUBOT KINGKONG MINI Build/QP1A) "
                    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"),
        std::string("Mozilla/5.0 (Windows; U; Windows NT 5.1; ab; rv:1.8) Gecko/2006 Firefox/2.0"),
        std::string("")}) {
    EXPECT_EQ(agents.classify(line), AgentClass::unknown) << line;
  }
  EXPECT_EQ(agents.classify(std::string(4000, 'a') + "/1.0"), AgentClass::unknown);
}

TEST(AgentTableTest, WhatTheOperatorExpectsIsNotSuspicious) {
  const AgentTable agents;
  const std::vector<std::string> allowed{"uptime-kuma", "curl"};
  EXPECT_EQ(agents.classify("curl/8.5.0", allowed), AgentClass::unknown);
  EXPECT_EQ(agents.classify("Uptime-Kuma/1.23 (+https://uptime.kuma.pet)", allowed),
            AgentClass::unknown);
  EXPECT_EQ(agents.classify("Wget/1.21", allowed), AgentClass::tool);
}

class BrowserEvidenceTest : public testing::Test {
 protected:
  Score judge(const std::string& fields, bool https = true) {
    const std::string text = "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    http::RequestHead head;
    EXPECT_TRUE(http::parse_request_head(text, head));
    return judge_browser(head, https, agents_, {});
  }
  static std::string agent(const std::string& line) { return "User-Agent: " + line + "\r\n"; }
  static constexpr const char* kLanguage = "Accept-Language: de-DE,de;q=0.9\r\n";
  static constexpr const char* kFetch = "Sec-Fetch-Site: same-origin\r\n";
  static constexpr const char* kBrands =
      "Sec-CH-UA: \"Chromium\";v=\"126\", \"Not-A.Brand\";v=\"8\"\r\n";

  const AgentTable agents_;
};

TEST_F(BrowserEvidenceTest, BrowsersAreWhatTheySayTheyAre) {
  EXPECT_EQ(judge(agent(kChrome) + kLanguage + kFetch + kBrands).points(), 0);
  EXPECT_EQ(judge(agent(kFirefox) + kLanguage + kFetch).points(), 0);
  EXPECT_EQ(judge(agent(kSafari) + kLanguage).points(), 0)
      << "before 16.4 it had no fetch metadata";
  EXPECT_EQ(judge(agent(kChrome) + kLanguage, false).points(), 0)
      << "plain http has neither hints nor fetch metadata";
  EXPECT_EQ(judge(agent("Mozilla/5.0 (Linux; Android 13; SM-A125F; wv) AppleWebKit/537.36 (KHTML, "
                        "like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36") +
                  kLanguage + kFetch)
                .points(),
            0)
      << "a page in an app has no hints";
  EXPECT_EQ(judge(agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) "
                        "AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.0.0 Mobile/15E148 "
                        "Safari/604.1") +
                  kLanguage)
                .points(),
            0);
}

TEST_F(BrowserEvidenceTest, AnotherProgramInABrowsersClothesIsFound) {
  PROVES("F051,F054");
  EXPECT_EQ(judge("").text(), "no_agent");
  EXPECT_EQ(judge(agent("curl/8.5.0")).text(), "agent_tool");
  EXPECT_EQ(judge(agent("curl/8.5.0")).points(), 40);
  EXPECT_EQ(judge(agent(kChrome)).text(), "no_language,no_client_hints,no_fetch_metadata");
  EXPECT_EQ(judge(agent(kChrome)).points(), 65);
  EXPECT_EQ(judge(agent(kFirefox)).text(), "no_language,no_fetch_metadata");
  EXPECT_EQ(judge(agent(kFirefox) + kLanguage + kFetch + kBrands).text(), "hints_of_another");
  EXPECT_EQ(
      judge(agent(kChrome) + kLanguage + kFetch + "Sec-CH-UA: \"HeadlessChrome\";v=\"126\"\r\n")
          .text(),
      "agent_headless");
}

}  // namespace
}  // namespace portcullis::guards

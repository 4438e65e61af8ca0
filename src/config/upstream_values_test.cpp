#include "config/upstream_values.hpp"

#include <gtest/gtest.h>

namespace portcullis::config {
namespace {

TEST(UpstreamValues, ATemperatureIsAJsonNumberFromZeroToTwo) {
  for (const auto* good : {"", "0", "1", "2", "0.7", "1.25", "2.0", "0.000001"}) {
    EXPECT_FALSE(temperature_fault(good)) << good;
  }
  for (const auto* bad : {"-1", "2.1", "3", "1.", ".5", "00.5", "0,7", "1e0", "0.7 ", "1.2.3", "x",
                          "0.0000001", "nan", "0x1"}) {
    EXPECT_TRUE(temperature_fault(bad)) << bad;
  }
  EXPECT_EQ(temperature_of(""), 0);
  EXPECT_EQ(temperature_of("1.5"), 1.5);
}

TEST(UpstreamValues, AnAnswerIsAJsonPointer) {
  for (const auto* good : {"", "/", "/a", "/a/0/b", "/~0~1", "//", "/a b"}) {
    EXPECT_FALSE(answer_fault(good)) << good;
  }
  for (const auto* bad : {"a", "a/b", "$.a", "/~", "/a~2", "/\xff"}) {
    EXPECT_TRUE(answer_fault(bad)) << bad;
  }
  EXPECT_TRUE(answer_fault("/" + std::string(500, 'a')));
}

TEST(UpstreamValues, AHeaderIsANameAndAValueInOneLine) {
  for (const auto* good : {"X-Key: abc", "x-key:abc", "Authorization: Basic YTpi", "A: b: c"}) {
    EXPECT_FALSE(header_fault(good)) << good;
  }
  for (const auto* bad : {"", "X-Key", ": abc", "X Key: abc", "X-Key:", "X-Key:  ", "X-Key : abc",
                          "X-Key: a\r\nHost: b", "X-Key: a\n", "X-Key: \xc3\xbc"}) {
    EXPECT_TRUE(header_fault(bad)) << bad;
  }
  EXPECT_TRUE(header_fault("X-Key: " + std::string(8 * 1024, 'a')));
}

TEST(UpstreamValues, NoHeaderTakesThePlaceOfOneThatFramesTheRequest) {
  for (const auto* own : {"Host: a", "content-length: 5", "Transfer-Encoding: chunked",
                          "CONNECTION: close", "Accept-Encoding: br"}) {
    EXPECT_TRUE(header_fault(own)) << own;
  }
}

TEST(UpstreamValues, WhatIsWrongWithAHeaderIsSaidWithoutItsValue) {
  EXPECT_EQ(header_fault("X-Key: secret\n").value_or("").find("secret"), std::string::npos);
  EXPECT_EQ(header_fault("secret secret").value_or("").find("secret"), std::string::npos);
}

TEST(UpstreamValues, SecretsTravelEncryptedOrNotAtAll) {
  for (const char* good : {"", "https://api.hcaptcha.com/siteverify", "http://127.0.0.1:9/x",
                           "http://localhost/x", "http://[::1]:9/x"}) {
    EXPECT_FALSE(protected_url_fault(good)) << good;
  }
  for (const char* bad : {"http://api.hcaptcha.com/siteverify", "http://10.0.0.1/x", "ftp://a/x",
                          "https://user:pass@a.example/x", "nonsense"}) {
    EXPECT_TRUE(protected_url_fault(bad)) << bad;
  }
}

}  // namespace
}  // namespace portcullis::config

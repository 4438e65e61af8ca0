#include "upstream/siteverify_answer.hpp"

#include <gtest/gtest.h>

namespace portcullis::upstream {
namespace {

ErrorCode error_of(std::string_view text) {
  const auto parsed = parse_siteverify_answer(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) return ErrorCode::internal;
  EXPECT_EQ(parsed.error().origin, ErrorOrigin::upstream) << text;
  return parsed.error().code;
}

TEST(SiteverifyAnswer, IsReadAsBothProvidersDocumentIt) {
  const auto turnstile = parse_siteverify_answer(
      R"({"success":true,"challenge_ts":"2022-02-28T15:14:30.096Z","hostname":"example.com",)"
      R"("error-codes":[],"action":"login","cdata":"sessionid-123456789",)"
      R"("metadata":{"interactive":false}})");
  ASSERT_TRUE(turnstile);
  EXPECT_TRUE(turnstile->success);
  EXPECT_EQ(turnstile->hostname, "example.com");
  EXPECT_EQ(turnstile->action, "login");
  EXPECT_EQ(turnstile->cdata, "sessionid-123456789");
  EXPECT_EQ(epoch_millis(turnstile->solved_at), 1'646'061'270'096);

  const auto hcaptcha = parse_siteverify_answer(
      R"({"success":true,"challenge_ts":"2022-02-28T16:14:30+01:00","hostname":"shop.example",)"
      R"("credit":true})");
  ASSERT_TRUE(hcaptcha);
  EXPECT_EQ(hcaptcha->hostname, "shop.example");
  EXPECT_EQ(hcaptcha->cdata, "");
  EXPECT_EQ(epoch_seconds(hcaptcha->solved_at), 1'646'061'270);
}

TEST(SiteverifyAnswer, ARefusedTokenIsAnAnswer) {
  for (const char* text : {R"({"success":false})", R"({"success":false,"error-codes":[]})",
                           R"({"success":false,"error-codes":null,"messages":[]})",
                           R"({"success":false,"error-codes":["invalid-input-response"]})",
                           R"({"success":false,"error-codes":["timeout-or-duplicate"]})",
                           R"({"success":false,"error-codes":["sitekey-secret-mismatch"]})",
                           R"({"success":false,"error-codes":["something-new"],"hostname":7})"}) {
    const auto parsed = parse_siteverify_answer(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_FALSE(parsed->success) << text;
  }
}

TEST(SiteverifyAnswer, AProviderThatFailsOrDoesNotKnowUsIsNoAnswer) {
  EXPECT_EQ(error_of(R"({"success":false,"error-codes":["internal-error"]})"),
            ErrorCode::unavailable);
  EXPECT_EQ(error_of(R"({"success":false,"error-codes":["invalid-input-secret"]})"),
            ErrorCode::unauthorized);
  EXPECT_EQ(error_of(R"({"success":false,"error-codes":["x","missing-input-secret"]})"),
            ErrorCode::unauthorized);
}

TEST(SiteverifyAnswer, WhatIsNotAsDocumentedIsNoAnswer) {
  for (const char* text :
       {"", "null", "[]", "true", "<html></html>", R"({"success":"true"})", R"({"success":1})",
        "{}", R"({"success":true})", R"({"success":true,"challenge_ts":"yesterday"})",
        R"({"success":true,"challenge_ts":1646061270,"hostname":"a.example"})",
        R"({"success":true,"challenge_ts":"2022-02-28T15:14:30Z","hostname":["a.example"]})",
        R"({"success":true,"challenge_ts":"2022-02-28T15:14:30Z","cdata":{}})",
        R"({"success":true,"challenge_ts":"2022-02-28T15:14:30Z","action":true})",
        R"({"success":false,"error-codes":"internal-error"})",
        R"({"success":false,"error-codes":[7]})",
        R"({"success":false,"success":true,"challenge_ts":"2022-02-28T15:14:30Z"})",
        R"({"success":true,"challenge_ts":"2022-02-28T15:14:30Z"} and more)"}) {
    EXPECT_EQ(error_of(text), ErrorCode::malformed) << text;
  }
  EXPECT_EQ(error_of(R"({"success":true,"challenge_ts":"2022-02-28T15:14:30Z","x":)" +
                     std::string(100, '[') + std::string(100, ']') + "}"),
            ErrorCode::malformed);
}

TEST(SiteverifyAnswer, IsBoundedWhileItComes) {
  identity::CaptchaAnswer answer;
  SiteverifyDecoder decoder(answer);
  std::vector<std::string> pieces;
  EXPECT_TRUE(decoder.put(std::string(SiteverifyDecoder::kMaxBytes, ' '), pieces));
  const auto more = decoder.put(" ", pieces);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace portcullis::upstream

#include "http/retry_after.hpp"

#include <string>

#include "base/text.hpp"
#include "proves.hpp"

namespace portcullis::http {
namespace {

const WallTime kNow = from_epoch_seconds(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(HttpDate, HasThreeFormsWhichAllMeanTheSame) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text, kNow), kNow) << text;
  }
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", kNow), kNow + std::chrono::days{10});
}

TEST(HttpDate, IsReadAsItIsWritten) {
  for (std::int64_t at = 0; at < 4'000'000'000; at += 12'345'678) {
    const auto time = from_epoch_seconds(at);
    EXPECT_EQ(parse_http_date(text::http_date(time), kNow), time) << text::http_date(time);
  }
}

TEST(HttpDate, TwoDigitsOfAYearAreAtMostFiftyYearsAhead) {
  const auto year_of = [](const std::string& digits, WallTime now) {
    const auto date = parse_http_date("Monday, 01-Jan-" + digits + " 00:00:00 GMT", now);
    return date ? int(std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(*date)}
                          .year())
                : 0;
  };
  EXPECT_EQ(year_of("94", kNow), 1994);
  EXPECT_EQ(year_of("95", kNow), 1995);
  EXPECT_EQ(year_of("00", kNow), 2000);
  EXPECT_EQ(year_of("44", kNow), 2044);
  EXPECT_EQ(year_of("45", kNow), 1945);
  const auto later = from_epoch_seconds(1'800'000'000);  // 2027
  EXPECT_EQ(year_of("26", later), 2026);
  EXPECT_EQ(year_of("77", later), 2077);
  EXPECT_EQ(year_of("78", later), 1978);
}

TEST(HttpDate, WhatIsNoDateIsNone) {
  for (const char* text : {"",
                           "Sun",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 gmt",
                           "Son, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, +6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

TEST(RetryAfter, IsANumberOfSeconds) {
  EXPECT_EQ(parse_retry_after("0", kNow), Seconds{0});
  EXPECT_EQ(parse_retry_after("120", kNow), Seconds{120});
  EXPECT_EQ(parse_retry_after("4294967295", kNow), Seconds{4'294'967'295});
}

TEST(RetryAfter, IsADateFromNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", kNow), Seconds{120});
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:39 GMT", kNow), Seconds{2});
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", kNow), Seconds{0});
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", kNow), Seconds{162'573'022});
}

TEST(RetryAfter, TheLastDateThereIsIsFarAway) {
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kNow), Seconds{252'618'189'022});
}

TEST(RetryAfter, CountsPartsOfASecondAsAWholeOne) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:39 GMT", kNow + Milliseconds{1}), Seconds{2});
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:39 GMT", kNow + Milliseconds{1001}),
            Seconds{1});
}

TEST(RetryAfter, ADateThatHasPassedAsksForNoWait) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:36 GMT", kNow), Seconds{0});
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", kNow), Seconds{0});
}

TEST(RetryAfter, AnythingElseAsksForNothing) {
  for (const char* text :
       {"", " ", "-1", "+1", "1.5", "1 s", "soon", "0x10", "99999999999999999999", "1, 2"}) {
    EXPECT_EQ(parse_retry_after(text, kNow), std::nullopt) << text;
  }
}

TEST(RetryAfter, MillisecondsCountFirstWhereAnAnswerHasThem) {
  EXPECT_EQ(parse_retry_after("7", "1500", kNow), Milliseconds{1500});
  EXPECT_EQ(parse_retry_after("", "1500.75", kNow), Milliseconds{1500});
  EXPECT_EQ(parse_retry_after("7", "", kNow), Milliseconds{7000});
  for (const char* millis : {"soon", "-5", ".5", "99999999999"}) {
    EXPECT_EQ(parse_retry_after("7", millis, kNow), Milliseconds{7000}) << millis;
    EXPECT_EQ(parse_retry_after("", millis, kNow), std::nullopt) << millis;
  }
}

}  // namespace
}  // namespace portcullis::http

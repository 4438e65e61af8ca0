#include "commands/moment.hpp"

#include <gtest/gtest.h>

namespace portcullis::commands {
namespace {

const WallTime kNow = from_epoch_seconds(1'800'000'000);  // 2027-01-15T08:00:00Z

TEST(Moment, IsHowLongFromNowOrADayOrATime) {
  EXPECT_EQ(moment_in("45s", kNow).value(), kNow + Seconds{45});
  EXPECT_EQ(moment_in("5m", kNow).value(), kNow + Seconds{300});
  EXPECT_EQ(moment_in("12h", kNow).value(), kNow + Seconds{12 * 3600});
  EXPECT_EQ(moment_in("90d", kNow).value(), kNow + Seconds{90 * 24 * 3600});
  EXPECT_EQ(moment_in("2027-01-16", kNow).value(), kNow + Seconds{16 * 3600});
  EXPECT_EQ(moment_in("2027-01-15T09:00:00+01:00", kNow).value(), kNow);
  EXPECT_EQ(moment_in("2020-01-01", kNow).value(), from_epoch_seconds(1'577'836'800))
      << "whether it may be past is for the caller";
}

TEST(Moment, RefusesWhatIsNoTimeOrFarAway) {
  for (const auto* text : {"", "d", "90", "-1d", "1.5h", "1w", "90dd", " 1d", "2027-13-01",
                           "2027-1-1", "tomorrow", "2027-01-15T08:00:00", "99999999999d"}) {
    const auto moment = moment_in(text, kNow);
    ASSERT_FALSE(moment) << text;
    EXPECT_EQ(moment.error().code, ErrorCode::invalid_input);
  }
  EXPECT_TRUE(moment_in("3650d", kNow));
  for (const auto* text : {"3661d", "2040-01-01", "4294967295d"}) {
    EXPECT_FALSE(moment_in(text, kNow)) << text;
  }
}

}  // namespace
}  // namespace portcullis::commands

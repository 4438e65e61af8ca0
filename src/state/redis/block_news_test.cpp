#include "state/redis/block_news.hpp"

#include <gtest/gtest.h>

namespace portcullis::state {
namespace {

TEST(BlockNews, ReadsWhatItWrites) {
  const WallTime since{Milliseconds{1'800'000'000'123}};
  for (const auto by : {Block::By::rule, Block::By::operator_}) {
    const Block block{since, since + Seconds{900}, by, "far beyond its limit", 3};
    const auto read = BlockNews::parse(BlockNews::text_of(block));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->since, block.since);
    EXPECT_EQ(read->until, block.until);
    EXPECT_EQ(read->by, block.by);
    EXPECT_EQ(read->reason, block.reason);
    EXPECT_EQ(read->offences, block.offences);
  }
}

TEST(BlockNews, TakesNothingElse) {
  for (const char* text : {"", " ", "1", "1 2", "1 2 rule", "a 2 rule 1 x", "1 b rule 1 x",
                           "1 2 nobody 1 x", "1 2 rule -1 x", "2 1 rule 1 x", "-1 2 rule 1 x",
                           "1 99999999999999999 rule 1 x", "1 99999999999999999999999 rule 1 x"}) {
    EXPECT_FALSE(BlockNews::parse(text)) << text;
  }
  EXPECT_TRUE(BlockNews::parse("1 2 rule 1")) << "no reason is needed";
  EXPECT_EQ(BlockNews::parse("1 2 rule 1 " + std::string(1000, 'x'))->reason.size(), 200U);
}

}  // namespace
}  // namespace portcullis::state

#include "redis/reply.hpp"

#include <gtest/gtest.h>

namespace portcullis::redis {
namespace {

TEST(ReplyReaderTest, AnArrayThatSaysItIsEndlessIsRefusedBeforeAnythingIsMadeForIt) {
  for (const auto* head : {"*2147483647\r\n", "*100000000\r\n", "*32769\r\n"}) {
    ReplyReader reader;
    Reply reply;
    ASSERT_TRUE(reader.feed(head));
    EXPECT_EQ(reader.next(reply), ReplyReader::Outcome::broken) << head;
  }
  ReplyReader reader;
  Reply reply;
  ASSERT_TRUE(reader.feed("*32768\r\n:1\r\n"));
  EXPECT_EQ(reader.next(reply), ReplyReader::Outcome::more);
}

TEST(ReplyReaderTest, AReplyMayComeInPieces) {
  const std::string_view bytes = "*2\r\n$3\r\na\r\n\r\n*1\r\n:42\r\n+OK\r\n";
  ReplyReader reader;
  std::vector<Reply> replies;
  for (const char c : bytes) {
    ASSERT_TRUE(reader.feed({&c, 1}));
    Reply reply;
    while (reader.next(reply) == ReplyReader::Outcome::reply) replies.push_back(std::move(reply));
  }
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0][0].text(), "a\r\n");
  EXPECT_EQ(replies[0][1][0].integer(), 42);
  EXPECT_EQ(replies[1].text(), "OK");
}

}  // namespace
}  // namespace portcullis::redis

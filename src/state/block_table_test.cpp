#include "state/block_table.hpp"

#include "proves.hpp"

namespace portcullis::state {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Seconds kFirst{15 * 60};
const IpAddress kOne = IpAddress::v4(0xc6336401);
const IpAddress kOther = IpAddress::v4(0xc6336402);

class BlockTableTest : public testing::Test {
 protected:
  ManualClock clock_;
  BlockTable table_{4, clock_};
};

TEST_F(BlockTableTest, ABlockEndsByItself) {
  PROVES("F133");
  EXPECT_FALSE(table_.find(kOne));
  const auto block = table_.offend(kOne, kFirst, "rate");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->until - block->since, kFirst);
  EXPECT_EQ(table_.find(kOne)->reason, "rate");
  EXPECT_FALSE(table_.find(kOther));
  clock_.advance(kFirst - Seconds{1});
  EXPECT_TRUE(table_.find(kOne));
  clock_.advance(Seconds{1});
  EXPECT_FALSE(table_.find(kOne));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(BlockTableTest, EachFurtherOneIsTwiceAsLongUpToADay) {
  const Seconds expected[] = {minutes{15}, minutes{30}, hours{1},  hours{2}, hours{4},
                              hours{8},    hours{16},   hours{24}, hours{24}};
  std::uint32_t offences = 0;
  for (const auto length : expected) {
    const auto block = table_.offend(kOne, kFirst, "rate");
    ASSERT_TRUE(block);
    EXPECT_EQ(block->until - block->since, length);
    EXPECT_EQ(block->offences, ++offences);
    clock_.advance(length + minutes{1});
  }
  clock_.advance(BlockTable::kMemory);
  const auto block = table_.offend(kOne, kFirst, "rate");
  EXPECT_EQ(block->until - block->since, kFirst) << "forgotten";
  EXPECT_EQ(block->offences, 1U);
}

TEST_F(BlockTableTest, OneThatLastsIsLeftAsItIs) {
  const auto first = table_.offend(kOne, kFirst, "rate");
  clock_.advance(minutes{5});
  const auto again = table_.offend(kOne, kFirst, "other");
  EXPECT_EQ(again->until, first->until);
  EXPECT_EQ(again->offences, 1U);
  EXPECT_EQ(again->reason, "rate");
}

TEST_F(BlockTableTest, AnIPv6VisitorIsBlockedWithTheWholeNetwork) {
  table_.offend(*IpAddress::parse("2001:db8:1:2::1"), kFirst, "rate");
  EXPECT_TRUE(table_.find(*IpAddress::parse("2001:db8:1:2:ffff::9")));
  EXPECT_FALSE(table_.find(*IpAddress::parse("2001:db8:1:3::1")));
}

TEST_F(BlockTableTest, AFloodOfNewAddressesFreesNobody) {
  for (std::uint32_t i = 0; i < 100; ++i) table_.offend(IpAddress::v4(i + 1), kFirst, "rate");
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(table_.find(IpAddress::v4(i + 1)));
  EXPECT_EQ(table_.size(), 4U);
  EXPECT_EQ(table_.refused(), 96U);
  clock_.advance(kFirst);
  EXPECT_TRUE(table_.offend(kOne, kFirst, "rate")) << "those that are over give way";
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(BlockTableTest, TellsOfWhatARuleMadeHereAndLearnsWhatOthersMade) {
  std::vector<IpAddress> told;
  table_.on_made([&](const IpAddress& network, const Block&) { told.push_back(network); });
  const auto first = *table_.offend(kOne, kFirst, "rate");
  table_.offend(kOne, kFirst, "rate");
  EXPECT_EQ(told, std::vector<IpAddress>{kOne}) << "once";
  EXPECT_EQ(table_.lasting().size(), 1U);

  BlockTable other(4, clock_);
  other.learn(kOne, first);
  ASSERT_TRUE(other.find(kOne));
  Block shorter = first;
  shorter.until -= Seconds{60};
  other.learn(kOne, shorter);
  EXPECT_EQ(other.find(kOne)->until, first.until) << "what lasts longer is kept";
  clock_.advance(kFirst);
  EXPECT_TRUE(other.lasting().empty());
  EXPECT_EQ(other.offend(kOne, kFirst, "rate")->offences, 2U) << "it counts for what comes";
  Block old = first;
  old.until = clock_.wall() - BlockTable::kMemory - Seconds{1};
  other.learn(IpAddress::v4(99), old);
  for (std::uint32_t i = 0; i < 10; ++i) other.learn(IpAddress::v4(i + 1), first);
  EXPECT_LE(other.size(), 4U) << "bounded";
}

TEST_F(BlockTableTest, AnOperatorsWordCountsWhateverRulesSaid) {
  ASSERT_TRUE(table_.offend(kOne, Seconds{900}, "rule"));
  const auto imposed = table_.impose(kOne, clock_.wall() + Seconds{60}, "a shorter one");
  ASSERT_TRUE(imposed);
  EXPECT_EQ(imposed->by, Block::By::operator_);
  EXPECT_EQ(table_.find(kOne)->reason, "a shorter one");
  EXPECT_EQ(table_.offend(kOne, Seconds{900}, "rule")->reason, "a shorter one");
  ASSERT_TRUE(table_.impose(kOne, clock_.wall(), "lifted"));
  EXPECT_FALSE(table_.find(kOne));
  EXPECT_TRUE(table_.lasting().empty());
  ASSERT_EQ(table_.decided().size(), 1U) << "others must hear of it";
  clock_.advance(Seconds{1});
  EXPECT_EQ(table_.offend(kOne, Seconds{900}, "rule")->offences, 1U) << "forgiven";
}

TEST(BlockDecisions, CountTheSameInWhateverOrderTheyCome) {
  const auto at = [](std::int64_t seconds) { return from_epoch_seconds(1'000'000 + seconds); };
  const auto decision = [&](std::int64_t since, std::int64_t until, Block::By by) {
    return Block{at(since), at(until), by, "", 1};
  };
  using enum Block::By;
  const Block early_rule = decision(0, 900, rule);
  const Block lifted = decision(10, 10, operator_);
  const Block late_rule = decision(20, 800, rule);
  const Block imposed = decision(30, 600, operator_);
  const Block later_rule = decision(40, 2000, rule);
  const WallTime now = at(100);
  EXPECT_TRUE(BlockTable::supersedes(lifted, early_rule, now));
  EXPECT_FALSE(BlockTable::supersedes(early_rule, lifted, now)) << "it was lifted since";
  EXPECT_TRUE(BlockTable::supersedes(late_rule, lifted, now)) << "and has offended again";
  EXPECT_FALSE(BlockTable::supersedes(lifted, late_rule, now));
  EXPECT_TRUE(BlockTable::supersedes(imposed, late_rule, now));
  EXPECT_FALSE(BlockTable::supersedes(later_rule, imposed, now)) << "an operator's lasts";
  EXPECT_TRUE(BlockTable::supersedes(later_rule, imposed, at(700)));
  EXPECT_FALSE(BlockTable::supersedes(imposed, imposed, now)) << "no news";
}

}  // namespace
}  // namespace portcullis::state

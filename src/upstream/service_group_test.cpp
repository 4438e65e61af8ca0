#include "upstream/service_group.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>

namespace portcullis::upstream {
namespace {

class ServiceGroupTest : public testing::Test {
 protected:
  std::shared_ptr<ServiceGroup> make(std::size_t targets) {
    ServiceGroupOptions options{.name = "orders", .targets = {}};
    for (std::size_t i = 0; i < targets; ++i) {
      HttpServiceOptions one;
      one.name = "orders";
      one.url = "http://127.0.0.1:" + std::to_string(1000 + i);
      options.targets.push_back(std::move(one));
    }
    return ServiceGroup::make(std::move(options), metrics_, log_).value();
  }
  /// One that there is; each caller is another by default.
  static ServiceGroup::Lease choose(const std::shared_ptr<ServiceGroup>& group, std::uint64_t tried,
                                    std::optional<std::uint64_t> caller = {}) {
    static std::uint64_t next = 1000;
    return ServiceGroup::choose(group, tried, caller.value_or(++next), true).value();
  }
  static bool takes_none(const std::shared_ptr<ServiceGroup>& group, std::uint64_t tried) {
    return !ServiceGroup::choose(group, tried, 1, true);
  }
  /// Until its breaker is open.
  static void break_down(const std::shared_ptr<ServiceGroup>& group, std::size_t target) {
    const auto others = ~(std::uint64_t{1} << target);
    for (std::uint64_t caller = 0; caller < 5; ++caller)
      choose(group, others, caller).record(false);
  }

  observe::Log log_{observe::Level::critical, observe::LogFormat::text};
  observe::Metrics metrics_;
};

TEST_F(ServiceGroupTest, ATargetThatWasTriedIsNotChosenAgain) {
  const auto group = make(3);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(choose(group, 0b101).target(), 1U);
    EXPECT_NE(choose(group, 0b001).target(), 0U);
  }
  EXPECT_TRUE(takes_none(group, 0b111));
}

TEST_F(ServiceGroupTest, RequestsGoWhereFewerAreUnderWay) {
  const auto group = make(2);
  std::vector<ServiceGroup::Lease> under_way;
  std::map<std::size_t, int> count;
  for (int i = 0; i < 100; ++i) {
    under_way.push_back(choose(group, 0));
    ++count[under_way.back().target()];
  }
  EXPECT_EQ(count[0], 50);
  EXPECT_EQ(count[1], 50);
  // Those of one target end: it gets what comes, until it has as many again.
  std::erase_if(under_way, [](const auto& lease) { return lease.target() == 0; });
  for (int i = 0; i < 50; ++i) {
    under_way.push_back(choose(group, 0));
    EXPECT_EQ(under_way.back().target(), 0U);
  }
}

TEST_F(ServiceGroupTest, AllOfManyAreUsed) {
  const auto group = make(8);
  std::map<std::size_t, int> count;
  for (int i = 0; i < 4000; ++i) ++count[choose(group, 0).target()];
  ASSERT_EQ(count.size(), 8U);
  for (const auto& [target, times] : count) EXPECT_GT(times, 250) << target;
}

TEST_F(ServiceGroupTest, ABrokenTargetIsLeftAloneAndTheRestGoOn) {
  const auto group = make(3);
  break_down(group, 1);
  EXPECT_EQ(group->available(), 2U);
  EXPECT_EQ(group->retry_after(), Milliseconds{0});
  for (int i = 0; i < 100; ++i) EXPECT_NE(choose(group, 0).target(), 1U);
  break_down(group, 0);
  break_down(group, 2);
  EXPECT_TRUE(takes_none(group, 0));
  EXPECT_EQ(group->available(), 0U);
  EXPECT_GT(group->retry_after(), Milliseconds{50'000});
}

TEST_F(ServiceGroupTest, ALeaseThatTellsNothingSaysNothingOfItsTarget) {
  const auto group = make(1);
  for (int i = 0; i < 100; ++i) (void)choose(group, 0);
  EXPECT_EQ(group->available(), 1U);
  auto lease = choose(group, 0);
  for (int i = 0; i < 20; ++i) lease.record(false);
  EXPECT_EQ(group->available(), 1U) << "one request has one outcome";
}

TEST_F(ServiceGroupTest, ALeaseCountsOnceHoweverItIsHanded) {
  const auto group = make(2);
  auto first = choose(group, 0);
  const auto target = first.target();
  ServiceGroup::Lease moved = std::move(first);
  ServiceGroup::Lease assigned;
  assigned = std::move(moved);
  EXPECT_NE(choose(group, 0).target(), target);
  assigned = {};
  std::map<std::size_t, int> count;
  for (int i = 0; i < 200; ++i) ++count[choose(group, 0).target()];
  EXPECT_GT(count[target], 50) << "it is free again";
}

TEST_F(ServiceGroupTest, OneCallerDoesNotShutItForOthers) {
  const auto group = make(1);
  for (int i = 0; i < 50; ++i) choose(group, 0, 7).record(false);
  EXPECT_EQ(group->available(), 1U) << "whoever fails alone may be the reason";
  for (int i = 0; i < 4; ++i) choose(group, 0, 7).record_absence();
  EXPECT_EQ(group->available(), 0U) << "that nobody is there is nobody's doing";
}

TEST_F(ServiceGroupTest, OneCallerHasAQuarterOfTheConnections) {
  const auto group = make(2);
  std::vector<ServiceGroup::Lease> held;
  while (auto lease = ServiceGroup::choose(group, 0, 7, true)) held.push_back(*std::move(lease));
  EXPECT_EQ(held.size(), 50U) << "of two hundred";
  EXPECT_EQ(ServiceGroup::choose(group, 0, 7, true).error().code, ErrorCode::exhausted);
  EXPECT_TRUE(ServiceGroup::choose(group, 0, 8, true));
  held.clear();
  EXPECT_TRUE(ServiceGroup::choose(group, 0, 7, true));
}

TEST_F(ServiceGroupTest, RefusesWhatIsNoUrl) {
  HttpServiceOptions one;
  one.url = "ftp://files.example";
  EXPECT_EQ(ServiceGroup::make({.name = "files", .targets = {one}}, metrics_, log_).error().code,
            ErrorCode::invalid_input);
}

}  // namespace
}  // namespace portcullis::upstream

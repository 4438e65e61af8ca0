#include "http/in_flight.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace portcullis::http {
namespace {

constexpr InFlight::Key kAddress{1, 1};
constexpr InFlight::Key kSite{2, 2};

TEST(InFlight, TakesAPlaceOfEachHolderAndGivesThemBack) {
  InFlight table;
  {
    InFlight::Places places;
    const InFlight::Holder holders[] = {{kAddress, 2}, {kSite, 5}};
    EXPECT_EQ(table.enter(holders, places), std::nullopt);
    EXPECT_EQ(table.count(kAddress), 1U);
    EXPECT_EQ(table.count(kSite), 1U);
  }
  EXPECT_EQ(table.count(kAddress), 0U);
  EXPECT_EQ(table.count(kSite), 0U);
}

TEST(InFlight, TakesNothingWhereOneHolderIsFullAndNamesIt) {
  InFlight table;
  InFlight::Places first;
  const InFlight::Holder holders[] = {{kAddress, 5}, {kSite, 1}};
  ASSERT_EQ(table.enter(holders, first), std::nullopt);
  InFlight::Places second;
  EXPECT_EQ(table.enter(holders, second), std::optional<std::size_t>(1));
  EXPECT_EQ(table.count(kAddress), 1U) << "what the first holder gave is given back";
  const InFlight::Holder none[] = {{kAddress, 0}};
  EXPECT_EQ(table.enter(none, second), std::optional<std::size_t>(0));
}

TEST(InFlight, AddsToThePlacesThatARequestHas) {
  InFlight table;
  auto places = std::make_unique<InFlight::Places>();
  const InFlight::Holder address[] = {{kAddress, 2}};
  const InFlight::Holder site[] = {{kSite, 1}};
  ASSERT_EQ(table.enter(address, *places), std::nullopt);
  ASSERT_EQ(table.enter(site, *places), std::nullopt);
  InFlight::Places other;
  EXPECT_EQ(table.enter(site, other), std::optional<std::size_t>(0));
  places.reset();
  EXPECT_EQ(table.count(kAddress), 0U);
  EXPECT_EQ(table.enter(site, other), std::nullopt);
}

TEST(InFlight, NeverHasMoreUnderWayThanTheLimitHoweverManyThreadsTry) {
  InFlight table;
  constexpr std::uint32_t kLimit = 3;
  std::atomic<std::uint32_t> inside{0};
  std::atomic<std::uint32_t> most{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        InFlight::Places places;
        const InFlight::Holder holders[] = {{kAddress, kLimit}, {kSite, 100}};
        if (table.enter(holders, places)) continue;
        const auto now = ++inside;
        auto seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
      }
    });
  }
  threads.clear();
  EXPECT_LE(most, kLimit);
  EXPECT_GE(most, 1U);
  EXPECT_EQ(table.count(kAddress), 0U);
  EXPECT_EQ(table.count(kSite), 0U);
}

TEST(InFlightTest, WhatHasNoRoomIsRefusedAndWritesNothing) {
  InFlight table;
  const InFlight::Holder most[] = {{{1, 1}, 9}, {{2, 2}, 9}, {{3, 3}, 9}, {{4, 4}, 9}};
  const InFlight::Holder one[] = {{{5, 5}, 9}};
  static_assert(std::size(most) == InFlight::kMost);
  {
    InFlight::Places places;
    ASSERT_FALSE(table.enter(most, places));
    EXPECT_EQ(table.enter(one, places), 0U);
    EXPECT_EQ(table.count({5, 5}), 0U);
    EXPECT_EQ(table.count({4, 4}), 1U);
  }
  EXPECT_EQ(table.count({1, 1}), 0U);
  EXPECT_EQ(table.count({4, 4}), 0U);
}

TEST(InFlightTest, PlacesOfOneTableTakeNoneOfAnother) {
  InFlight first;
  InFlight second;
  const InFlight::Holder holder[] = {{kAddress, 9}};
  InFlight::Places places;
  ASSERT_FALSE(first.enter(holder, places));
  EXPECT_EQ(second.enter(holder, places), 0U);
  EXPECT_EQ(second.count(kAddress), 0U);
}

}  // namespace
}  // namespace portcullis::http

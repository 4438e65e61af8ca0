#include "base/ids.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis {
namespace {

TEST(Ulid, IncreasesStrictlyWithinAThread) {
  ManualClock clock;
  Ulid last;
  std::string last_text;
  for (int i = 0; i < 50'000; ++i) {
    if (i % 1000 == 0) clock.advance(Milliseconds{i % 3});
    const Ulid id = Ulid::make(clock.wall());
    ASSERT_GT(id, last);
    ASSERT_GT(id.text(), last_text) << "the text sorts as the value";
    last = id;
    last_text = id.text();
  }
}

TEST(Ulid, CarriesItsTime) {
  ManualClock clock;
  const Ulid id = Ulid::make(clock.wall());
  EXPECT_EQ(id.millis(), epoch_millis(clock.wall()));
  EXPECT_FALSE(id.empty());
  EXPECT_TRUE(Ulid{}.empty());
}

TEST(Ulid, IsWrittenInTwentySixCharactersAndReadBack) {
  const auto id = Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(id->millis(), 1469922850259);
  EXPECT_EQ(Ulid::parse("01arz3ndektsv4rrffq69g5fav"), id);
  EXPECT_EQ(Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")->text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(Ulid{}.text(), std::string(26, '0'));
  for (int i = 0; i < 1000; ++i) {
    const Ulid made = Ulid::make(ManualClock{}.wall());
    EXPECT_EQ(Ulid::parse(made.text()), made);
  }
}

TEST(Ulid, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FAL",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5FA ",
        "01ARZ3NDEKTSV4RRFFQ69G5FA\xff"}) {
    EXPECT_FALSE(Ulid::parse(text)) << text;
  }
}

TEST(Ulid, ThreadsDoNotMakeTheSameOne) {
  const WallTime now = ManualClock{}.wall();
  std::vector<std::vector<Ulid>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&ids, now] {
      for (int i = 0; i < 5000; ++i) ids.push_back(Ulid::make(now));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<Ulid> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 20'000U);
}

TEST(Uuid, HasTheFormOfVersionFour) {
  FastRandom random(42);
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    const Uuid id = Uuid::random(random);
    const std::string text(id.view());
    ASSERT_EQ(text.size(), 36U);
    for (std::size_t k = 0; k < text.size(); ++k) {
      if (k == 8 || k == 13 || k == 18 || k == 23) {
        ASSERT_EQ(text[k], '-') << text;
      } else {
        ASSERT_NE(std::string_view("0123456789abcdef").find(text[k]), std::string_view::npos);
      }
    }
    ASSERT_EQ(text[14], '4') << text;
    ASSERT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos) << text;
    ASSERT_TRUE(seen.insert(text).second);
  }
}

TEST(FastRandom, IsUniformAndRepeatsUnderOneSeed) {
  FastRandom a(7);
  FastRandom b(7);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) {
    const auto value = a.below(10);
    ASSERT_LT(value, 10U);
    ASSERT_EQ(value, b.below(10));
    ++counts[value];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 1000; ++i) {
    const double unit = a.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
  }
  EXPECT_EQ(a.below(1), 0U);
  EXPECT_NE(FastRandom().next(), FastRandom().next());
}

}  // namespace
}  // namespace portcullis

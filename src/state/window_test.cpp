#include "state/window.hpp"

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "proves.hpp"

namespace portcullis::state {
namespace {

/// Every admitted unit with its time: what a sliding window means, without any saving of memory.
class ExactLog {
 public:
  /// Units taken in the half-open span (now - window, now].
  std::uint64_t used(std::int64_t now, std::int64_t window) {
    while (!times_.empty() && times_.front() <= now - window) times_.pop_front();
    return times_.size();
  }
  void take(std::uint32_t cost, std::int64_t now) { times_.insert(times_.end(), cost, now); }
  /// When `cost` units fit, if nothing else is taken.
  std::int64_t free_at(std::uint32_t cost, std::uint32_t limit, std::int64_t now,
                       std::int64_t window) {
    const std::uint64_t in_use = used(now, window);
    if (in_use + cost <= limit) return now;
    return times_[in_use + cost - limit - 1] + window;
  }

 private:
  std::deque<std::int64_t> times_;
};

struct Setting {
  std::uint32_t limit;
  std::int64_t window_ms;
};

constexpr Setting kSettings[] = {{1, 60'000},   {5, 900'000},      {30, 60'000},   {60, 60'000},
                                 {100, 60'000}, {1000, 3'600'000}, {1000, 60'000}, {20, 12'000},
                                 {7, 3'000},    {50, 86'400'000},  {3, 300'000}};

/// Silences of every size: none, a few milliseconds, one that lands at the edge of a sub-window or
/// beside it, part of a window, several windows.
std::int64_t next_step(std::mt19937_64& random, std::int64_t now, std::int64_t window) {
  const std::int64_t sub = window / Window::kSubWindows;
  const std::int64_t to_edge = sub - now % sub;
  switch (random() % 12) {
    case 0:
    case 1:
    case 2:
    case 3:
      return 0;
    case 4:
    case 5:
      return static_cast<std::int64_t>(random() % 5);
    case 6:
      return to_edge;
    case 7:
      return to_edge - 1;
    case 8:
      return to_edge + static_cast<std::int64_t>(random() % 12) * sub;
    case 9:
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(sub * 2));
    case 10:
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(window));
    default:
      return random() % 8 == 0 ? window * static_cast<std::int64_t>(1 + random() % 30) : sub / 2;
  }
}

/// Times of a schedule with bursts of up to twice the limit.
template <class Step>
void run_schedule(const Setting& setting, std::uint64_t seed, int steps, Step step) {
  std::mt19937_64 random(seed);
  std::int64_t now = 1'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000);
  for (int i = 0; i < steps; ++i) {
    now += next_step(random, now, setting.window_ms);
    const std::uint64_t burst =
        random() % 6 == 0 ? 1 + random() % (setting.limit * 2ULL) : 1 + random() % 3;
    for (std::uint64_t k = 0; k < burst; ++k) {
      step(now, static_cast<std::uint32_t>(random() % 10 == 0 && setting.limit > 2 ? 2 : 1));
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Window, NeverAdmitsMoreThanTheLimitInAnyRealWindow) {
  PROVES("F001");
  for (const auto& setting : kSettings) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(testing::Message() << "limit " << setting.limit << " window "
                                      << setting.window_ms << " seed " << seed);
      Window window;
      ExactLog log;
      run_schedule(setting, seed, 3000, [&](std::int64_t now, std::uint32_t cost) {
        if (window.used(now, setting.window_ms) + cost > setting.limit) return;
        window.take(cost, now, setting.window_ms);
        log.take(cost, now);
        ASSERT_LE(log.used(now, setting.window_ms), setting.limit) << "at " << now;
      });
    }
  }
}

TEST(Window, ARefusalOutlastsThatOfAnExactLogByAtMostATwelfthOfTheWindow) {
  PROVES("F001");
  for (const auto& setting : kSettings) {
    for (std::uint64_t seed = 11; seed <= 13; ++seed) {
      SCOPED_TRACE(testing::Message() << "limit " << setting.limit << " window "
                                      << setting.window_ms << " seed " << seed);
      Window window;
      ExactLog log;
      const std::int64_t sub = setting.window_ms / Window::kSubWindows;
      run_schedule(setting, seed, 3000, [&](std::int64_t now, std::uint32_t cost) {
        if (window.used(now, setting.window_ms) + cost <= setting.limit) {
          window.take(cost, now, setting.window_ms);
          log.take(cost, now);
          return;
        }
        // The log admitted the same requests; it frees the units this one needs at `exact`.
        const std::int64_t exact = log.free_at(cost, setting.limit, now, setting.window_ms);
        ASSERT_LE(now, exact + sub) << "refused long after an exact log would have admitted";
      });
    }
  }
}

TEST(Window, WaitForTellsTheFirstMomentAtWhichTheRequestIsAdmitted) {
  PROVES("F001,F011");
  for (const auto& setting : kSettings) {
    for (std::uint64_t seed = 21; seed <= 22; ++seed) {
      SCOPED_TRACE(testing::Message() << "limit " << setting.limit << " window "
                                      << setting.window_ms << " seed " << seed);
      Window window;
      ExactLog log;
      const std::int64_t sub = setting.window_ms / Window::kSubWindows;
      run_schedule(setting, seed, 1500, [&](std::int64_t now, std::uint32_t cost) {
        const bool fits = window.used(now, setting.window_ms) + cost <= setting.limit;
        const std::int64_t wait = window.wait_for(cost, setting.limit, now, setting.window_ms);
        if (fits) {
          ASSERT_EQ(wait, 0);
          window.take(cost, now, setting.window_ms);
          log.take(cost, now);
          return;
        }
        ASSERT_GT(wait, 0);
        Window later = window;  // nothing else happens to this one
        ASSERT_LE(later.used(now + wait, setting.window_ms) + cost, setting.limit);
        Window sooner = window;
        ASSERT_GT(sooner.used(now + wait - 1, setting.window_ms) + cost, setting.limit)
            << "it could have come back a millisecond earlier";
        ASSERT_LE(now + wait, log.free_at(cost, setting.limit, now, setting.window_ms) + sub);
      });
    }
  }
}

TEST(Window, UntilEmptyTellsWhenNothingIsCountedAnyMore) {
  const Setting setting{30, 60'000};
  Window window;
  run_schedule(setting, 31, 2000, [&](std::int64_t now, std::uint32_t cost) {
    if (window.used(now, setting.window_ms) + cost <= setting.limit)
      window.take(cost, now, setting.window_ms);
    const std::int64_t empty = window.until_empty(now, setting.window_ms);
    Window later = window;
    ASSERT_EQ(later.used(now + empty, setting.window_ms), 0U);
    if (empty > 0) {
      Window sooner = window;
      ASSERT_GT(sooner.used(now + empty - 1, setting.window_ms), 0U);
    }
  });
}

TEST(Window, AdmitsExactlyTheLimitInABurstAndAgainAfterTheWindow) {
  PROVES("F143");
  Window window;
  std::int64_t now = 59'999;  // the last moment of a minute: a fixed window would admit twice
  const auto burst = [&] {
    int admitted = 0;
    for (int i = 0; i < 150; ++i) {
      if (window.used(now, 60'000) + 1 > 100) continue;
      window.take(1, now, 60'000);
      ++admitted;
    }
    return admitted;
  };
  EXPECT_EQ(burst(), 100);
  now = 60'000;
  EXPECT_EQ(burst(), 0);
  now = 59'999 + 60'000 - 1;
  EXPECT_EQ(burst(), 0);
  now = 59'999 + 60'000 + 5'000;
  EXPECT_EQ(burst(), 100);
}

TEST(Window, NeverAdmitsMoreThanTheLimitWhereTheWindowIsNoMultipleOfTwelveMilliseconds) {
  for (const Setting setting : {Setting{10, 1000}, Setting{10, 10'000}, Setting{10, 7'000}}) {
    SCOPED_TRACE(setting.window_ms);
    Window window;
    ExactLog log;
    run_schedule(setting, 41, 4000, [&](std::int64_t now, std::uint32_t cost) {
      if (window.used(now, setting.window_ms) + cost > setting.limit) return;
      window.take(cost, now, setting.window_ms);
      log.take(cost, now);
      ASSERT_LE(log.used(now, setting.window_ms), setting.limit) << "at " << now;
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Window, AClockThatGoesBackCountsIntoTheNewestSubWindow) {
  Window window;
  EXPECT_EQ(window.used(600'000, 60'000), 0U);
  window.take(3, 600'000, 60'000);
  EXPECT_EQ(window.used(540'000, 60'000), 3U);
  window.take(2, 540'000, 60'000);
  EXPECT_EQ(window.used(600'001, 60'000), 5U);
  EXPECT_EQ(window.used(600'000 + 65'000, 60'000), 0U);
}

TEST(Window, IsSmall) { EXPECT_LE(sizeof(Window), 64U); }

}  // namespace
}  // namespace portcullis::state

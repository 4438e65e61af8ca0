#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace portcullis::upstream {

/// Circuit breaker of one upstream.
///
/// Opens at `failures` consecutive failures, or when at least half of 20 or more calls in 30 s
/// failed; after `open_for` it lets single probes through and closes after 3 good ones. One session
/// cannot open it alone: while others succeeded in the last 30 s, a session's failures count once.
///
/// Threads: any; one lock, held for nanoseconds.
/// Source:  Nygard, "Release It!", 2nd edition, chapter 5.
class Breaker {
 public:
  struct Options {
    int failures = 5;
    Milliseconds open_for{60'000};
    bool needs_several = false;  ///< one session's failures count once, whoever else is served
  };
  enum class State : std::uint8_t { closed, open, half_open };

  explicit Breaker(const Options& options, const Clock& clock = Clock::system())
      : options_(options), clock_(clock) {}

  /// Leave for one call, or none. Each must be given back by exactly one record() or forget().
  class Pass {
   public:
    Pass() = default;
    explicit operator bool() const noexcept { return given_; }

   private:
    friend class Breaker;
    Pass(bool given, std::uint64_t generation) : given_(given), generation_(generation) {}
    bool given_ = false;
    std::uint64_t generation_ =
        0;  ///< counts the changes of state: a call from before one says nothing
  };
  Pass allow();
  void record(const Pass& pass, bool success, std::uint64_t session);
  /// The call was cancelled by its client: it says nothing about the upstream.
  void forget(const Pass& pass);
  /// It is known from elsewhere that the upstream is well.
  void reset();

  State state() const;
  /// When it closed after it had been open; the clock's epoch: it never was.
  MonotonicTime recovered_at() const;
  /// Until the next probe; 0 unless open.
  Milliseconds retry_after() const;

 private:
  static constexpr Milliseconds kSpan{30'000};
  static constexpr std::size_t kMinCalls = 20;
  static constexpr int kGoodProbes = 3;
  static constexpr std::size_t kMaxOutcomes = 4096;

  struct Outcome {
    MonotonicTime at;
    std::uint64_t session;
    bool success;
    bool counts;
  };

  void open(MonotonicTime now);
  void close(MonotonicTime now);
  void remember(const Outcome& outcome);
  void forget_old(MonotonicTime now);
  bool others_succeeded(std::uint64_t session) const;
  bool has_counted_failure(std::uint64_t session) const;

  const Options options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  State state_ = State::closed;
  MonotonicTime opened_at_{};
  MonotonicTime recovered_at_{};
  int consecutive_ = 0;
  int good_probes_ = 0;
  bool probe_out_ = false;
  std::deque<Outcome> outcomes_;
  std::uint64_t generation_ = 1;
};

/// Retries may be at most a share of the calls, so that a struggling upstream is not buried under
/// them.
///
/// Threads: any.  Source: the retry budget of Finagle: a share of recent calls and a small reserve.
class RetryBudget {
 public:
  RetryBudget(int percent, const Clock& clock = Clock::system())
      : percent_(percent), clock_(clock) {}
  void on_call();
  bool try_retry();

 private:
  static constexpr double kReservePerMinute = 10;
  static constexpr double kMaxTokens = 100;
  const int percent_;
  const Clock& clock_;
  std::mutex mutex_;
  double tokens_ = kReservePerMinute;
  MonotonicTime last_{};
};

}  // namespace portcullis::upstream

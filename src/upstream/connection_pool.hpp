#pragma once
#include <atomic>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/eventual.hpp"
#include "base/result.hpp"
#include "net/connector.hpp"
#include "net/worker.hpp"

namespace portcullis::upstream {

class ConnectionPool;

/// How many connections all workers together may have to one upstream.
///
/// Threads: any. A pool that gives a connection up lets another worker's waiting call have its
/// place.
class ConnectionBudget {
 public:
  explicit ConnectionBudget(std::size_t max) : max_(max) {}

  std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
  void join(ConnectionPool& pool);
  void leave(ConnectionPool& pool);
  bool take() noexcept;
  void give_back() noexcept { open_.fetch_sub(1, std::memory_order_acq_rel); }
  /// Tells one other pool with waiting calls that a place is free.
  void offer(const ConnectionPool& from);
  /// Asks one other pool to close an idle connection.
  void ask_for_place(const ConnectionPool& from);

 private:
  friend class ConnectionPool;
  const std::size_t max_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> waiting_{0};  ///< calls of all pools
  std::mutex mutex_;
  std::vector<ConnectionPool*> pools_;
};

/// Keep-alive connections from one worker to one upstream.
///
/// Threads:   one worker; the two counts that the budget reads are atomic. Without connections and
///            callers it may be destroyed on any thread.
/// Bounds:    the budget's connections in all, `max_idle` of them idle here for longer than half a
/// second;
///            a caller that finds none free waits for at most `connect_timeout` in a queue of at
///            most 1024.
/// Errors:    exhausted (queue full or waited in vain), and those of net::connect().
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
 public:
  struct Options {
    net::Target target;
    std::size_t max_idle = 20;
    Milliseconds connect_timeout{2000};
    /// Idle connections are closed after this time: below the 5 s after which Node.js closes them.
    Milliseconds idle_time{4000};
  };

  ConnectionPool(net::Worker& worker, Options options, std::shared_ptr<ConnectionBudget> budget);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  struct Lease {
    std::unique_ptr<net::Stream> stream;
    bool reused = false;
  };
  /// A kept connection at once where there is one.
  Eventual<Result<Lease>> acquire();
  /// Gives a connection back; `reusable` false closes it.
  void release(std::unique_ptr<net::Stream> stream, bool reusable);
  /// Closes all that is kept.
  void close_idle();

 private:
  friend class ConnectionBudget;
  struct Idle {
    std::unique_ptr<net::Stream> stream;
    MonotonicTime since;
  };
  struct Waiter {
    std::coroutine_handle<> handle;
    bool granted = false;
  };
  class Turn;

  static void on_sweep(void* self);
  std::unique_ptr<net::Stream> take_idle();
  Task<Result<Lease>> open_new();
  void forget_one();
  void begin_waiting(Waiter& waiter);
  bool stop_waiting(Waiter& waiter);
  bool wake_one();
  void close_one_idle();

  net::Worker& worker_;
  const Options options_;
  const std::shared_ptr<ConnectionBudget> budget_;
  std::vector<Idle> idle_;  ///< the one used last at the back
  std::deque<Waiter*> waiters_;
  std::size_t open_ = 0;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> idle_count_{0};
  net::DeadlineTimer sweep_;
};

}  // namespace portcullis::upstream

#pragma once
#include <atomic>
#include <coroutine>
#include <deque>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/connector.hpp"
#include "net/worker.hpp"

namespace portcullis::upstream {

/// Keep-alive connections from one worker to one upstream.
///
/// Threads:   one worker.
/// Bounds:    `max_open` connections, `max_idle` of them idle for longer than half a second; a
/// caller that finds none free waits for at
///            most `connect_timeout` in a queue of at most 1024.
/// Errors:    exhausted (queue full or waited in vain), and those of net::connect().
class ConnectionPool {
 public:
  struct Options {
    net::Target target;
    std::size_t max_open = 100;
    std::size_t max_idle = 20;
    Milliseconds connect_timeout{2000};
    /// Idle connections are closed after this time: below the 5 s after which Node.js closes them.
    Milliseconds idle_time{4000};
  };

  ConnectionPool(net::Worker& worker, Options options, std::atomic<std::size_t>& open_gauge);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  struct Lease {
    std::unique_ptr<net::Stream> stream;
    bool reused = false;
  };
  Task<Result<Lease>> acquire();
  /// Gives a connection back; `reusable` false closes it.
  void release(std::unique_ptr<net::Stream> stream, bool reusable);

 private:
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
  void forget_one();

  net::Worker& worker_;
  const Options options_;
  std::atomic<std::size_t>& open_gauge_;
  std::vector<Idle> idle_;  ///< the one used last at the back
  std::deque<Waiter*> waiters_;
  std::size_t open_ = 0;
  net::DeadlineTimer sweep_;
};

}  // namespace portcullis::upstream

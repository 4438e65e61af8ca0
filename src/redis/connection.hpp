#pragma once
#include <atomic>
#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/connector.hpp"
#include "redis/reply.hpp"

namespace portcullis::redis {

/// Where servers are and how to be let in.
struct ServerOptions {
  std::vector<net::Target> seeds;  ///< the one, or some of a cluster's; at least one
  std::string user;                ///< of an ACL; empty: the default one
  std::string password;
  int database = 0;
  std::string name;  ///< shown in CLIENT LIST
  Milliseconds connect_timeout{500};
  Milliseconds deadline{50};  ///< for a reply, from the command on; noticed up to 60 ms later
};

/// One pipelined connection to a server, which it keeps up: it connects again with growing,
/// jittered pauses of at most two seconds.
///
/// A reply that does not come within the deadline ends the connection, and with it every command
/// that waits for one: nothing is ever taken for the reply to something else. Commands that are
/// given in the same turn of the event loop leave in one write.
///
/// Threads:   its worker's, but for up() and settled(). start() and stop() too.
/// Ownership: stop(), then wait for stopped(), then destroy.
/// Bounds:    kMaxPending commands wait at a time, of which kMaxUnsent bytes have not left;
///            further ones fail at once.
/// Errors:    unavailable (not connected, too many waiting), timeout, reset, closed, malformed,
///            unauthorized.
class Connection {
 public:
  static constexpr std::size_t kMaxPending = 10'000;
  static constexpr std::size_t kMaxUnsent = 8 << 20;
  static constexpr Milliseconds kLongestPause{2000};

  struct Hooks {
    /// Where to connect to, asked before each try.
    std::function<net::Target()> where;
    /// Prepares a fresh connection before anybody else may use it, with ask(); an Error closes it
    /// again.
    std::function<Task<Result<void>>(Connection&)> prepare;
    /// Called when it has come up, and when it goes down or a first try has failed.
    std::function<void(bool up, const std::string& reason)> changed;
    /// Takes what is pushed to a subscriber: channel and payload.
    std::function<void(std::string_view channel, std::string_view payload)> pushed;
  };

  Connection(net::Worker& worker, ServerOptions options, Hooks hooks);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Ends it for good; what waits fails.
  void stop();
  bool up() const noexcept { return up_.load(std::memory_order_acquire); }
  /// Whether the first try to connect is over.
  bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

  /// `co_await connection.ask(words)`: the reply, which may be an error of the server's.
  class Ask {
   public:
    Ask(Connection& connection, std::span<const std::string_view> words)
        : connection_(connection), words_(words) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
    Result<Reply> await_resume() { return std::move(result_); }

   private:
    friend class Connection;
    Connection& connection_;
    std::span<const std::string_view> words_;
    std::coroutine_handle<> waiter_;
    Result<Reply> result_ = Reply();
  };
  Ask ask(std::span<const std::string_view> words) { return {*this, words}; }
  /// Sends a command whose reply nobody waits for.
  void tell(std::span<const std::string_view> words);

 private:
  struct Pending {
    Ask* ask = nullptr;  ///< null: nobody waits
    MonotonicTime deadline;
  };

  Task<void> live();
  Task<Result<void>> connect();
  Task<Result<void>> greet();
  Task<void> read();
  Task<void> write();
  bool enqueue(std::span<const std::string_view> words, Ask* ask);
  void take(Reply reply);
  void watch_deadline();
  void fail_all(const Error& error);
  void close(Error why);
  Milliseconds next_pause();
  static void on_deadline(void* self);
  static void on_pause_over(void* self);

  net::Worker& worker_;
  const ServerOptions options_;
  const Hooks hooks_;
  std::unique_ptr<net::Stream> stream_;
  ReplyReader reader_;
  std::deque<Pending> pending_;
  std::string out_;
  bool open_ = false;  ///< connected; greeting or up
  bool writing_ = false;
  bool reading_ = false;
  bool stopping_ = false;
  bool overdue_ = false;  ///< the deadline has passed; one more turn of the loop
  int failures_ = 0;
  Error why_;
  net::Signal wake_;  ///< the stream is through, or a pause is over
  net::DeadlineTimer deadline_;
  net::DeadlineTimer pause_;
  std::atomic<bool> up_{false};
  std::atomic<bool> settled_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace portcullis::redis

#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "http/exchange.hpp"
#include "net/deadline.hpp"
#include "net/stream.hpp"

namespace portcullis::http {

/// The limits of a connection; copied from the settings of the day it was accepted.
struct ConnectionLimits {
  Milliseconds head_timeout{10'000};
  Milliseconds body_timeout{30'000};
  Milliseconds idle_timeout{75'000};
  Milliseconds write_timeout{30'000};
};

class Http1Exchange;

/// One HTTP/1.x connection: reads requests, hands each to the handler as an Exchange, answers in
/// order.
///
/// Threads:   one worker.
/// Ownership: made by Http1Server; run() ends when the connection is over, and `closed` then tells
/// it. Memory:    the read buffer (4 KiB, growing to 32 KiB for large heads) is given back while a
/// stream
///            is open and nothing is unread.
/// Source:    RFC 9112; lingering close: section 9.6.
class Http1Connection {
 public:
  Http1Connection(net::Worker& worker, std::unique_ptr<net::Stream> stream, Handler& handler,
                  const ConnectionLimits& limits);
  ~Http1Connection();
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;

  /// Serves until the connection is over.
  Task<void> run();
  /// Finishes the exchange under way, then closes; an idle connection closes at once, and a head
  /// that has begun gets a second to be complete.
  void drain();
  /// Ends at once.
  void abort();

 private:
  friend class Http1Server;
  friend class Http1Exchange;
  enum class HeadRead : std::uint8_t { complete, closed, invalid };

  // Reading.
  Task<HeadRead> read_head();
  bool grow();
  Milliseconds time_for_head() const;
  std::string_view unread() const noexcept { return {buffer_.get() + read_, filled_ - read_}; }

  // After an exchange.
  Task<bool> discard_body(Http1Exchange& exchange);
  Task<void> linger();

  static void on_read_deadline(void* self);
  void watch_write();
  static void on_write_deadline(void* self);
  static void on_monitor(void* self);
  static void on_peer_gone(void* self);

  net::Worker& worker_;
  std::unique_ptr<net::Stream> stream_;
  Handler& handler_;
  const ConnectionLimits limits_;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t head_size_ = 0;  ///< bytes at the front that belong to the current head
  std::size_t read_ = 0;       ///< where unread bytes begin
  std::size_t filled_ = 0;
  std::string output_;  ///< head of the answer, reused

  net::DeadlineTimer read_deadline_;
  net::DeadlineTimer write_deadline_;
  std::uint64_t delivered_ = 0;      ///< at the last look while a write waits
  MonotonicTime delivered_since_{};  ///< since when it has been that much
  net::DeadlineTimer monitor_;
  Http1Exchange* exchange_ = nullptr;
  MonotonicTime head_deadline_{};  ///< of the head that has begun; zero: none has
  FramingError head_error_;
  bool read_timed_out_ = false;
  bool lingering_ = false;
  bool draining_ = false;

  // Intrusive list of Http1Server.
  Http1Connection* next_ = nullptr;
  Http1Connection* previous_ = nullptr;
};

/// The connections of one worker.
///
/// Threads: its worker.
class Http1Server {
 public:
  Http1Server(net::Worker& worker, Handler& handler) : worker_(worker), handler_(handler) {}

  /// Serves a new connection; `closed` is called when it is over.
  void serve(std::unique_ptr<net::Stream> stream, const ConnectionLimits& limits,
             std::move_only_function<void()> closed);
  void drain();
  void abort_all();
  std::size_t open() const noexcept { return open_; }

 private:
  Task<void> run(std::unique_ptr<Http1Connection> connection,
                 std::move_only_function<void()> closed);

  net::Worker& worker_;
  Handler& handler_;
  Http1Connection* first_ = nullptr;
  std::atomic<std::size_t> open_{0};  ///< read by whoever waits for the end
  bool draining_ = false;
};

}  // namespace portcullis::http

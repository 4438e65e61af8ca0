#pragma once
#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "http/websocket/reader.hpp"
#include "net/deadline.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::http::websocket {

/// How a connection behaves; the times are those of the specification.
struct ConnectionOptions {
  Role role = Role::server;
  MessageLimits limits{};
  std::optional<Deflate> deflate{};
  Milliseconds ping_every{20'000};      ///< one that has said nothing until the next is gone
  Milliseconds idle_timeout{120'000};   ///< without a message either way
  Milliseconds close_timeout{5'000};    ///< until the peer has answered a close
  Milliseconds write_timeout{30'000};   ///< in which a peer takes at least one byte
  std::size_t queue_bytes = 32 * 1024;  ///< from which on senders wait
};

/// One WebSocket on a stream that somebody else owns: messages in and out, pings, deadlines, the
/// closing handshake.
///
/// Threads:   one worker. One coroutine receives; any number of them send, each in its turn.
/// Ownership: the stream outlives it. finish() must have come to its end before it goes.
/// Bounds:    what waits to be sent is `queue_bytes` and one message of each sender; a peer that
///            takes nothing for `write_timeout` is dropped. Of pings that were not answered yet
///            the last one is.
/// Memory:    while nobody speaks the object alone and kIdleBuffer bytes.
/// Errors:    none: a connection that ends says how, closed_with().
class Connection {
 public:
  /// Frames in a row before other connections get their turn.
  static constexpr int kFramesBeforeYield = 64;
  static constexpr std::size_t kIdleBuffer = 512;
  static constexpr std::size_t kBusyBuffer = 16 * 1024;

  Connection(net::Worker& worker, net::Stream& stream, std::string leftover,
             const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  struct Message {
    Opcode kind = Opcode::text;
    std::string data;
    std::uint32_t frames = 1;
  };
  /// The next message; nullopt where the connection is over: after a close, a failure, a deadline.
  Task<std::optional<Message>> receive();

  /// Sends a message, and waits while the peer has too much to take. @returns false where the
  /// connection does not take any more.
  Task<bool> send(Opcode kind, std::string data);
  /// The same of a text where that need not wait. @returns whether it is on its way.
  bool offer(std::string_view text);
  /// Begins the closing handshake; what was sent before goes first. receive() ends within
  /// `close_timeout`.
  void close(std::uint16_t code, std::string_view reason = {});
  /// The same behind one last text, which does not wait for room.
  void close_after(std::string_view text, std::uint16_t code, std::string_view reason = {});
  /// Ends without one: receive() and senders end at once.
  void abort();
  /// REQUIRES: receive() has ended. Waits until what was to be sent has been taken, `write_timeout`
  /// in all, then lets the peer see the end of the stream.
  Task<void> finish();

  /// Called at every `ping_every`, for who wants to look whether all is well.
  void set_tick(std::function<void()> tick) { tick_ = std::move(tick); }

  bool is_open() const noexcept { return !closing_ && !over_; }
  /// What it ended with: the code that was sent first, by whichever side; 1006 without any.
  std::uint16_t closed_with() const noexcept { return closed_with_; }
  /// The reason of the peer, where he closed first.
  const std::string& peer_reason() const noexcept { return peer_reason_; }
  /// Why it failed, for the log: the peer broke a rule.
  std::string_view fault() const noexcept { return reader_.fault(); }

 private:
  class Room;

  bool take_step(std::optional<Message>& out);
  bool needs_bytes() const noexcept { return at_ == filled_; }
  void make_room();
  void on_close_frame();
  void say(Opcode kind, std::string data);
  void enqueue(Opcode opcode, std::string_view payload, bool compressed = false);
  void pump();
  Task<void> write_rest(net::Stream::Write writing);
  bool after_write(const Result<std::size_t>& written);
  void wake_senders();
  void end(std::uint16_t code);
  void arm_timer();
  static void on_timer(void* self);
  static void on_write_deadline(void* self);
  static void on_last_word_late(void* self);
  void look_at_time();
  std::size_t unsent() const noexcept { return queue_.size() + sending_.size(); }

  net::Worker& worker_;
  net::Stream& stream_;
  const ConnectionOptions options_;
  MessageReader reader_;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;

  std::string queue_;
  std::string sending_;
  std::optional<std::string> pong_;  ///< to go after what is being sent
  std::vector<std::coroutine_handle<>> senders_;
  net::Signal written_;
  std::uint64_t delivered_ = 0;
  MonotonicTime delivered_since_{};
  bool reading_ = false;
  bool writing_ = false;
  bool finishing_ = false;

  net::DeadlineTimer timer_;
  net::DeadlineTimer write_deadline_;
  std::function<void()> tick_;
  MonotonicTime next_ping_{};
  MonotonicTime last_message_{};
  MonotonicTime close_deadline_{};
  bool heard_ = true;  ///< since the last ping

  std::string peer_reason_;
  std::uint16_t closed_with_ = 0;
  bool closing_ = false;      ///< our close frame is on its way
  bool peer_closed_ = false;  ///< his has come
  bool over_ = false;         ///< nothing is read any more
  bool broken_ = false;       ///< nothing is written any more
};

}  // namespace portcullis::http::websocket

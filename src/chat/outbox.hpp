#pragma once
#include <memory>
#include <optional>
#include <string>

#include "chat/stream_hub.hpp"
#include "net/deadline.hpp"
#include "state/event_relay.hpp"

namespace portcullis::chat {

/// What one turn's events take to other nodes: gathered for a while, one call at a time. What could
/// not be sent is tried again with what comes next.
///
/// Threads:   the turn's worker.
/// Ownership: shared by the turn and its own calls; once its message has ended it lives until all
/// of
///            that has been sent, is too old, or the hub stops.
/// Bounds:    kMostUnsent bytes wait; of more, other nodes get the end, and are told that some is
///            missing.
class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  static constexpr Milliseconds kGather{250};
  static constexpr std::size_t kGatherBytes = 4096;
  static constexpr std::size_t kMostUnsent = 256 * 1024;

  Outbox(net::Worker& worker, StreamHub& hub, std::shared_ptr<SessionStream> stream,
         const state::SessionId& session, std::string message_id);

  /// After one that ends the message there are no more.
  void add(state::RelayedEvent event);
  /// Whether so much waits that the next one should.
  bool is_full() const noexcept { return unsent_bytes_ > kMostUnsent / 2; }
  /// Until it is not full any more, or the call under way has failed.
  Task<void> drained();

 private:
  static void on_due(void* self);
  void send_soon();
  Task<void> send();
  bool more_to_say() const noexcept;
  void put_back(state::RelayedPiece piece, std::size_t bytes);
  void bound();

  net::Worker& worker_;
  StreamHub& hub_;
  const std::shared_ptr<SessionStream> stream_;
  const state::SessionId session_;
  const std::string message_id_;
  state::RelayedPiece unsent_;
  std::size_t unsent_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::optional<MonotonicTime> failing_since_;
  bool sending_ = false;
  bool over_ = false;
  net::Signal sent_;
  net::DeadlineTimer due_;
};

}  // namespace portcullis::chat

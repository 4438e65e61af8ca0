#pragma once
#include <memory>
#include <string>

#include "chat/session_stream.hpp"
#include "net/deadline.hpp"
#include "state/event_relay.hpp"

namespace portcullis::chat {

/// What one turn's events take to other nodes: gathered for a while, one call at a time.
///
/// Threads:   the turn's worker.
/// Ownership: shared by the turn and its own calls; it lives until the last event has left.
/// Bounds:    kMostUnsent bytes wait; what comes while they do is lost to other nodes, whose
/// readers
///            are told so.
class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  static constexpr Milliseconds kGather{250};
  static constexpr std::size_t kGatherBytes = 4096;
  static constexpr std::size_t kMostUnsent = 256 * 1024;

  Outbox(net::Worker& worker, state::EventRelay& relay, std::shared_ptr<SessionStream> stream,
         const state::SessionId& session, std::string message_id);

  /// After one that ends the message there are no more.
  void add(state::RelayedEvent event);

 private:
  static void on_due(void* self);
  void send_soon();
  Task<void> send();

  state::EventRelay& relay_;
  const std::shared_ptr<SessionStream> stream_;
  const state::SessionId session_;
  const std::string message_id_;
  state::RelayedPiece unsent_;
  std::size_t unsent_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  bool sending_ = false;
  bool over_ = false;
  net::DeadlineTimer due_;
};

}  // namespace portcullis::chat

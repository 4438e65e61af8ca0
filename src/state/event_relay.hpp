#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "state/key.hpp"

namespace portcullis::state {

/// An event of a session's stream on its way to other nodes.
struct RelayedEvent {
  std::uint64_t id = 0;  ///< unique within the session over all nodes
  std::string message_id;
  std::string json;
  bool ends_message = false;
};

/// Events of one message, in their order.
struct RelayedBatch {
  std::string node;           ///< that wrote them
  std::uint64_t behind = 0;   ///< id of the message's event before the first one; 0: it begins here
  std::uint64_t number = 0;   ///< of the session's batches, by all nodes
  std::uint64_t written = 0;  ///< when, as an id of that time would say
  std::vector<RelayedEvent> events;
};

/// What a turn tells other nodes.
struct RelayedPiece {
  std::string message_id;
  std::vector<RelayedEvent> events;  ///< none: the turn only says that it lives
  std::uint64_t behind = 0;          ///< as in RelayedBatch
  bool lost_some = false;            ///< what was written before did not all arrive
  bool over = false;                 ///< the message has ended
};

/// What is kept of a session's events.
struct RelayedPast {
  /// Every event behind this id is kept. 0: nothing is known.
  std::uint64_t floor = 0;
  std::uint64_t number = 0;  ///< of the last batch that was written; 0: nothing is known
  std::uint64_t lost = 0;    ///< of the last one that is not kept
  std::vector<RelayedBatch> batches;
  std::vector<std::string> under_way;  ///< messages whose turns live, on whatever node
  bool was_following = false;          ///< this node was known to follow
  std::string since;                   ///< for unfollow()
};

/// Carries events of sessions between nodes, so that a client may go on reading at any of them.
///
/// Threads: workers.
/// Errors:  those of the store; what was not carried is missing at the other nodes, and the next
///          piece says so.
class EventRelay {
 public:
  /// A turn that writes nothing for so long counts as dead.
  static constexpr Milliseconds kAlive{15'000};
  /// So long events are kept after the last one was written.
  static constexpr Milliseconds kKept{60'000};

  /// What arrives from other nodes. Called on any worker.
  struct Sink {
    /// For open(), by who knows the session's id.
    std::function<void(const Key& session, std::string_view sealed)> events;
    std::function<void(const Key& session)> ended;  ///< the session was destroyed
    std::function<void()> missed;                   ///< something may not have arrived
  };

  virtual ~EventRelay() = default;
  /// Who this node is to others.
  virtual const std::string& node() const = 0;
  /// REQUIRES: before workers run.
  virtual void deliver_to(Sink sink) = 0;
  virtual std::optional<RelayedBatch> open(const SessionId& session,
                                           std::string_view sealed) const = 0;

  /// Keeps what a turn wrote, and tells the nodes that follow. @returns how many others do.
  virtual Task<Result<std::size_t>> write(SessionId session, const RelayedPiece& piece) = 0;
  /// What is kept behind the batch `after`; what comes later is delivered for `life`.
  virtual Task<Result<RelayedPast>> follow(SessionId session, std::uint64_t after,
                                           Milliseconds life) = 0;
  /// Ends that, unless the session was followed anew since.
  virtual Task<void> unfollow(SessionId session, std::string since) = 0;
};

}  // namespace portcullis::state

#pragma once
#include <string>

#include "state/event_relay.hpp"
#include "state/redis/subscriber.hpp"

namespace portcullis::state {

struct RedisEventRelayOptions {
  std::size_t max_bytes = 128 * 1024;  ///< of a session's events that are kept
};

/// Events between nodes through Redis: a list for each session, sealed as its history is, and a
/// channel for each node on which it hears of the sessions that it follows.
///
/// Threads:   workers.  Ownership: the store and the subscriber outlive it.
/// Bounds:    `max_bytes` a session, and one batch where that is more.
class RedisEventRelay final : public EventRelay {
 public:
  RedisEventRelay(RedisStore& store, Subscriber& subscriber, std::string node,
                  RedisEventRelayOptions options);

  const std::string& node() const override { return node_; }
  void deliver_to(Sink sink) override { sink_ = std::move(sink); }
  std::optional<RelayedBatch> open(const SessionId& session,
                                   std::string_view sealed) const override;
  Task<Result<std::size_t>> write(SessionId session, const RelayedPiece& piece) override;
  Task<Result<RelayedPast>> follow(SessionId session, std::uint64_t after,
                                   Milliseconds life) override;
  Task<void> unfollow(SessionId session, std::string since) override;

 private:
  Task<Result<redis::Reply>> run(const Script& script, const SessionId& session,
                                 std::initializer_list<const char*> kinds, const Words& values);
  void hear(std::string_view payload) const;

  RedisStore& store_;
  const std::string node_;
  const RedisEventRelayOptions options_;
  Sink sink_;
};

}  // namespace portcullis::state

#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "audit/sink.hpp"
#include "config/settings.hpp"
#include "http/websocket/census.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "state/block_table.hpp"
#include "state/fallback_store.hpp"
#include "state/memory_store.hpp"
#include "state/redis/block_news.hpp"
#include "state/redis/notices.hpp"
#include "state/redis/redis_event_relay.hpp"
#include "state/redis/redis_store.hpp"

namespace portcullis::gateway {

/// The state that nodes share through Redis, with the one of this process for while that is away:
/// connections, heartbeat, news of blocks, what operators tell visitors, and one event for each
/// time that Redis goes or comes.
///
/// Threads:   connect(), beat() and stop() on the main thread; store() any.
/// Ownership: stop() before the workers end.
class SharedState {
 public:
  /// @returns what is wrong with a file of certificates.
  static Result<std::unique_ptr<SharedState>> make(const config::Settings& settings,
                                                   state::MemoryStoreOptions local,
                                                   state::BlockTable& blocks,
                                                   http::websocket::Census& sockets,
                                                   observe::Log& log, observe::Metrics& metrics,
                                                   audit::Sink& sink);
  ~SharedState();

  state::Store& store() noexcept { return fallback_; }
  state::EventRelay& events() noexcept { return events_; }
  /// Connects each worker. Call it before they run.
  void connect(const std::vector<net::Worker*>& workers);
  /// Waits for a moment until all have tried, so that the first requests find Redis.
  void wait_until_tried();
  /// Says that this node lives; every few seconds.
  void beat();
  void stop();
  /// Calls `back` whenever Redis is there again, and may have forgotten something.
  /// REQUIRES: before connect().
  void on_back(std::function<void()> back) { back_ = std::move(back); }
  /// Whether all workers are connected.
  bool up() const { return state_.load() == State::up; }

 private:
  enum class State : std::uint8_t { starting, up, degraded };

  SharedState(const config::Settings& settings, state::RedisStoreOptions options,
              state::MemoryStoreOptions local, state::BlockTable& blocks,
              http::websocket::Census& sockets, observe::Log& log, observe::Metrics& metrics,
              audit::Sink& sink);
  void changed(const std::string& reason);
  Task<Result<void>> prepare(redis::Servers& servers);
  Task<Result<void>> tell_pending(redis::Servers& servers);
  Task<void> beat_there();
  void record(bool up);

  observe::Log& log_;
  audit::Sink& sink_;
  const redis::ServerOptions server_;
  const std::string node_;
  const std::size_t least_nodes_;  ///< as an operator knows
  state::RedisStore redis_;
  state::MemoryStore local_;
  observe::CounterFamily& fallbacks_;
  state::FallbackStore fallback_;
  state::Subscriber subscriber_;
  state::BlockNews blocks_;
  state::Notices notices_;
  state::RedisEventRelay events_;
  std::mutex mutex_;
  std::atomic<State> state_{State::starting};
  std::function<void()> back_;
  net::Worker* first_ = nullptr;
  bool running_ = false;
};

}  // namespace portcullis::gateway

#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/connection.hpp"
#include "state/redis/scripts.hpp"
#include "state/store.hpp"

namespace portcullis::state {

struct RedisStoreOptions {
  redis::ServerOptions server;
  std::string prefix = "portcullis:";  ///< of every key
  std::size_t max_sessions = 100'000;
  Seconds session_idle{7200};
  Seconds claim_life{24 * 3600};  ///< how long a presenter is remembered without a sign of life
  std::size_t history_max_messages = 200;
  std::size_t history_max_bytes = 256 * 1024;
  const Clock* clock = nullptr;  ///< tests: instead of the server's own
};

/// The state of all nodes in one Redis.
///
/// A request's windows, pace, session and claim are one script call, so they are decided in one
/// step over all nodes and by the server's clock. Texts of visitors are sealed under a key that
/// comes from the session's secret id, which the server never sees: who reads the server reads no
/// conversation, and finds no session by its token.
///
/// Threads:   workers; each has a connection of its own. figures() and set_session_idle() any.
/// Ownership: start() before the first call; stop() and stopped() before the workers end.
/// Errors:    unavailable, timeout and the others of redis::Connection: nothing is known then of
///            whether the call took effect.
/// Bounds:    sessions and each session's history as in the options; keys of limits end with their
///            windows. How much all of them may take is for the server to say (`maxmemory`).
class RedisStore final : public Store {
 public:
  /// What the owner wants to do at turns of fortune; called on workers' threads.
  struct Hooks {
    /// Before a fresh connection is used by anybody.
    std::function<Task<Result<void>>(redis::Connection&)> prepare;
    /// Some connection has come up, or is down with this reason.
    std::function<void(bool up, const std::string& reason)> changed;
  };

  RedisStore(RedisStoreOptions options, Hooks hooks);
  ~RedisStore() override;

  /// Connects each of these workers. `settled()` once every one has tried; before that, calls fail.
  /// REQUIRES: nobody calls the store at the same time, or only from workers that start later.
  void start(const std::vector<net::Worker*>& workers);
  bool settled() const;
  void stop();
  bool stopped() const;
  /// Whether the calling worker is connected.
  bool up() const;
  /// Whether all of them are.
  bool all_up() const;

  Eventual<Result<AdmitAnswer>> admit(const AdmitRequest& request) override;
  Eventual<Result<double>> note(const Key& subject, double points) override;
  Eventual<Result<bool>> session_created(WallTime created) override;
  Eventual<Result<BeginOutcome>> begin_message(NewMessage message) override;
  Eventual<Result<void>> add_answer(const SessionId& session, Message answer) override;
  Eventual<Result<void>> fail_message(const SessionId& session,
                                      std::string_view message_id) override;
  Eventual<Result<HistoryPage>> history(const SessionId& session, std::size_t limit,
                                        std::size_t offset) override;
  Eventual<Result<std::optional<Message>>> find_answer(const SessionId& session,
                                                       std::string_view message_id) override;
  Eventual<Result<void>> end_session(const SessionId& session, WallTime created) override;
  void set_session_idle(Seconds idle) override { session_idle_ = idle; }
  /// Of the last heartbeat.
  StoreFigures figures() const override;

  /// Ends sessions over a connection that is being prepared.
  Task<Result<void>> end_session_over(redis::Connection& connection, Key session, WallTime created);

  /// Runs a script on the calling worker's connection, or on another one of its thread.
  Task<Result<redis::Reply>> run(const Script& script, std::span<const std::string_view> keys,
                                 std::span<const std::string_view> values);
  Task<Result<redis::Reply>> run_over(redis::Connection& connection, const Script& script,
                                      std::span<const std::string_view> keys,
                                      std::span<const std::string_view> values);
  std::string key(std::string_view kind) const { return options_.prefix + std::string(kind); }

  /// Says that this node lives. @returns how many do; also renews figures().
  Task<Result<std::size_t>> heartbeat(std::string_view node, Seconds gone_after);
  Task<Result<std::size_t>> heartbeat_over(redis::Connection& connection, std::string_view node,
                                           Seconds gone_after);

 private:
  struct SessionKeys;

  redis::Connection* here() const;
  std::string now() const;
  Task<Result<AdmitAnswer>> admit_there(AdmitRequest request);
  Task<Result<double>> note_there(Key subject, double points);
  Task<Result<bool>> create_there(WallTime created);
  Task<Result<BeginOutcome>> begin_there(NewMessage message);
  Task<Result<void>> add_there(SessionId session, Message answer);
  Task<Result<void>> fail_there(SessionId session, std::string message_id);
  Task<Result<HistoryPage>> read_history(SessionId session, std::size_t limit, std::size_t offset);
  Task<Result<std::optional<Message>>> find_there(SessionId session, std::string message_id);
  Task<Result<void>> end_there(SessionId session, WallTime created);

  const RedisStoreOptions options_;
  const Hooks hooks_;
  std::atomic<Seconds> session_idle_;
  std::vector<net::Worker*> workers_;
  std::vector<std::unique_ptr<redis::Connection>> connections_;  ///< by worker
  mutable std::mutex figures_mutex_;
  StoreFigures figures_;
};

}  // namespace portcullis::state

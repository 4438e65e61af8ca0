#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/servers.hpp"
#include "state/redis/admit_call.hpp"
#include "state/redis/key_names.hpp"
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

/// The state of all nodes in one Redis, or in one Redis Cluster.
///
/// A request's windows, pace, session and claim are one script call, so they are decided in one
/// step over all nodes and by the server's clock. In a cluster they are one call for each bucket
/// (KeyNames) and leave in one flight; where some admitted and another refused, those give back
/// what they took in a further call that nobody waits for. So no limit is ever exceeded, and what
/// is in flight may take room from others for a moment. Texts of visitors are sealed under a key
/// that comes from the session's secret id, which the server never sees: who reads the server reads
/// no conversation, and finds no session by its token.
///
/// Threads:   workers; each has connections of its own. figures() and set_session_idle() any.
/// Ownership: start() before the first call; stop() and stopped() before the workers end.
/// Errors:    unavailable, timeout and the others of redis::Connection: nothing is known then of
///            whether the call took effect.
/// Bounds:    sessions and each session's history as in the options, the number of sessions in a
///            cluster rounded up to kBuckets; keys of limits end with their windows. How much all
///            of them may take is for the server to say (`maxmemory`).
class RedisStore final : public Store {
 public:
  /// Of a cluster: enough to be spread evenly, few enough to be counted one by one.
  static constexpr std::uint32_t kBuckets = 256;

  /// What the owner wants to do at turns of fortune; called on workers' threads.
  using Hooks = redis::Servers::Hooks;

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
  Eventual<Result<bool>> session_created(const Key& session, WallTime created) override;
  Eventual<Result<BeginOutcome>> begin_message(NewMessage message) override;
  Eventual<Result<void>> add_answer(const SessionId& session, Message answer) override;
  Eventual<Result<void>> fail_message(const SessionId& session,
                                      std::string_view message_id) override;
  Eventual<Result<HistoryPage>> history(const SessionId& session, std::size_t limit,
                                        std::size_t offset) override;
  Eventual<Result<std::optional<Message>>> find_answer(const SessionId& session,
                                                       std::string_view message_id) override;
  Eventual<Result<void>> end_session(const SessionId& session, WallTime created) override;
  Eventual<Result<void>> revoke(const Revocation& revocation) override;
  void set_session_idle(Seconds idle) override { session_idle_ = idle; }
  /// Of the last heartbeat.
  StoreFigures figures() const override;

  /// Ends a session through servers that are being prepared.
  Task<Result<void>> end_session_over(redis::Servers& servers, Key session, WallTime created);

  /// The same of a revocation.
  Task<Result<void>> revoke_over(redis::Servers& servers, Revocation revocation);

  /// Runs a script on the calling worker's servers. Its keys lie in one bucket or group.
  Task<Result<redis::Reply>> run(const Script& script, std::span<const std::string_view> keys,
                                 std::span<const std::string_view> values);
  Task<Result<redis::Reply>> run_over(redis::Servers& servers, const Script& script,
                                      std::span<const std::string_view> keys,
                                      std::span<const std::string_view> values);
  /// How keys are named on these servers.
  KeyNames names(const redis::Servers& servers) const;
  /// The name of a key that exists once.
  std::string single_key(std::string_view group, std::string_view kind) const;
  /// What the name of a node is added to.
  std::string events_channel() const;
  /// The first value of every script: zero lets it read the server's own clock.
  std::string now() const;

  /// Says that this node lives. @returns how many do.
  Task<Result<std::size_t>> heartbeat(redis::Servers& servers, std::string_view node,
                                      Seconds gone_after);
  /// Renews figures().
  Task<Result<void>> count(redis::Servers& servers);
  /// Those of the calling worker; null on other threads.
  redis::Servers* here() const;

 private:
  struct SessionKeys;

  Result<redis::Servers*> connected() const;
  std::int64_t max_sessions(const redis::Servers& servers) const;
  Task<void> charge(redis::Servers& servers, AdmitCall& call, Result<void>& outcome);
  Task<void> give_back(Words keys, Words values);
  Task<Result<AdmitAnswer>> admit_there(AdmitRequest request);
  Task<Result<double>> note_there(Key subject, double points);
  Task<Result<bool>> create_there(Key session, WallTime created);
  Task<Result<BeginOutcome>> begin_there(NewMessage message);
  Task<Result<void>> add_there(SessionId session, Message answer);
  Task<Result<void>> fail_there(SessionId session, std::string message_id);
  Task<Result<HistoryPage>> read_history(SessionId session, std::size_t limit, std::size_t offset);
  Task<Result<std::optional<Message>>> find_there(SessionId session, std::string message_id);
  Task<Result<void>> end_there(SessionId session, WallTime created);
  Task<Result<void>> revoke_there(Revocation revocation);

  const RedisStoreOptions options_;
  const Hooks hooks_;
  std::atomic<Seconds> session_idle_;
  std::vector<net::Worker*> workers_;
  std::vector<std::unique_ptr<redis::Servers>> servers_;  ///< by worker
  mutable std::mutex figures_mutex_;
  StoreFigures figures_;
};

}  // namespace portcullis::state

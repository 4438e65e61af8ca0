#pragma once
#include <array>
#include <atomic>
#include <boost/container/deque.hpp>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "state/claim_table.hpp"
#include "state/limiter.hpp"
#include "state/store.hpp"

namespace portcullis::state {

struct MemoryStoreOptions {
  std::size_t max_limiter_keys = 1'000'000;
  std::size_t max_sessions = 100'000;
  Seconds session_idle{7200};
  std::size_t history_max_messages = 200;
  std::size_t history_max_bytes = 256 * 1024;
  std::size_t history_total_bytes = 256 * 1024 * 1024;
};

/// The state of one process in memory.
///
/// Threads: any; 16 shards of sessions, each with a lock of its own.
/// Bounds:  keys, sessions, messages and bytes as in the options, sessions exactly; what was silent
///          longest gives way, but never a session that was active in the last 15 minutes.
///          Ended sessions are remembered until their tokens are too old to be taken for those of
///          sessions without a message; `max_sessions` of them in all (and one a shard in any
///          case). Beyond that the one that ended first in its shard is forgotten, and its token
///          opens an empty session until its idle time is over.
///          Claims: `max_sessions` in all. Revocations: kMaxRevocations.
/// Cost:    bench/micro_bench.cpp.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options, const Clock& clock = Clock::system());
  ~MemoryStore() override;

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
  void set_session_idle(Seconds idle) override;
  StoreFigures figures() const override;

  static constexpr std::size_t kMaxRevocations = 1'000'000;

 private:
  static constexpr std::size_t kSessionShards = 16;
  /// Sent messages that are remembered for repeated sends.
  static constexpr std::size_t kRememberedSends = 64;
  static constexpr Seconds kProtectedAfterActivity{15 * 60};

  struct alignas(64) ClaimShard {
    explicit ClaimShard(std::size_t capacity) : table(capacity) {}
    std::mutex mutex;
    ClaimTable table;
  };

  struct Send {
    std::string client_id;
    std::string message_id;
    std::uint64_t text_hash = 0;
    bool failed = false;
  };
  struct Session {
    Key key;
    WallTime created;
    WallTime last_active;
    std::uint32_t message_count = 0;
    SessionUse use;
    boost::container::deque<Message>
        messages;  // unlike std::deque they allocate nothing while empty
    std::size_t bytes = 0;
    boost::container::deque<Send> sends;
  };
  struct alignas(64) SessionShard {
    std::mutex mutex;
    std::list<Session> by_age;  ///< silent longest first
    std::unordered_map<Key, std::list<Session>::iterator, KeyHash> sessions;
    std::unordered_map<Key, WallTime, KeyHash> ended;  ///< by when they were created
    std::deque<Key> ended_order;
  };

  /// Created sessions without a message, counted by age.
  class SilentSessions {
   public:
    explicit SilentSessions(Seconds idle) : idle_(idle) {}
    void add(WallTime created, WallTime now);
    void remove(WallTime created, WallTime now);
    void set_idle(Seconds idle);
    std::size_t count(WallTime now) const;

   private:
    static constexpr std::int64_t kSlots = 25;
    std::int64_t slot_seconds() const {
      return std::max<std::int64_t>(1, idle_.count() / (kSlots - 1));
    }
    std::int64_t slot_of(WallTime time) const { return epoch_seconds(time) / slot_seconds(); }
    void advance(std::int64_t slot);
    Seconds idle_;
    mutable std::mutex mutex_;
    std::array<std::size_t, kSlots> counts_{};
    std::int64_t newest_ = 0;
  };

  SessionShard& shard_of(const Key& key) noexcept {
    return session_shards_[key[1] % kSessionShards];
  }
  ClaimStanding visit(const Claim& claim);
  SessionView view_of(const Key& key);
  static void note_sender(Session& session, const NewMessage& message, WallTime now);
  Session* find(SessionShard& shard, const Key& key);
  void purge_expired(SessionShard& shard, WallTime now, std::size_t most);
  void erase(SessionShard& shard, std::list<Session>::iterator at);
  void forget_first_ended(SessionShard& shard);
  bool take_place();
  bool make_room(WallTime now);
  void append(SessionShard& shard, Session& session, Message message);
  void drop_oldest_message(Session& session);
  void free_history(SessionShard& shard, const Session& keep);

  const MemoryStoreOptions options_;
  std::atomic<Seconds> session_idle_;  ///< the one of the options, until it is set anew
  const Clock& clock_;
  Limiter limiter_;
  mutable std::array<SessionShard, kSessionShards> session_shards_;
  std::array<std::unique_ptr<ClaimShard>, kSessionShards> claim_shards_;
  std::atomic<std::size_t> session_count_{0};
  std::atomic<std::size_t> ended_count_{0};
  std::atomic<std::size_t> history_bytes_{0};
  SilentSessions silent_;
  RevocationTable revocations_{kMaxRevocations};
};

}  // namespace portcullis::state

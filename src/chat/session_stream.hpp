#pragma once
#include <atomic>
#include <boost/container/deque.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "chat/events.hpp"
#include "net/worker.hpp"
#include "state/event_relay.hpp"

namespace portcullis::chat {

class StreamHub;

/// What a stream tells a turn on the turn's own worker.
class TurnObserver {
 public:
  virtual ~TurnObserver() = default;
  /// The last reader left, or one came back.
  virtual void readers_changed(bool any) = 0;
  /// There is room for further events.
  virtual void room_available() = 0;
  /// The gateway stops: end now.
  virtual void stop() = 0;
};

/// The events of one session: a bounded ring, its readers, and the turns that write it.
///
/// Where nodes share their state, events that others wrote are merged into it as they arrive. An
/// event keeps the id that its writer gave it, so a client may go on reading at any node.
///
/// Threads:   any; one lock. Readers and turns are told on their own workers.
/// Bounds:    events that the slowest reader has not taken may hold `buffer_bytes`; then writers
///            wait. What every reader has taken is kept for resuming within the same bound. Of what
///            other nodes write nobody waits: a reader that lags by twice as much is reset.
/// Source:    docs/adr/0006-event-ids-and-the-ring.md
class SessionStream : public std::enable_shared_from_this<SessionStream> {
 public:
  /// What another node wrote is here after this time, in the units of ids: microseconds.
  static constexpr std::uint64_t kLag = 2'000'000;

  SessionStream(StreamHub& hub, const state::Key& key);

  /// One open stream to a client. Lives on its worker; detach() before it is destroyed.
  class Reader : public std::enable_shared_from_this<Reader> {
   public:
    explicit Reader(net::Worker& worker) : worker_(worker), signal_(worker) {}

    /// Wakes the reader on its worker; safe from any thread.
    void notify();
    /// From its own worker only.
    net::Signal& signal() noexcept { return signal_; }
    /// As notify(), from its own worker.
    void beat() { signal_.notify(); }

   private:
    friend class SessionStream;
    net::Worker& worker_;
    net::Signal signal_;
    std::atomic<bool> notified_{false};
    std::uint64_t next_ = 0;    ///< in the order of arrival
    std::string only_message_;  ///< empty: all messages of the session
    std::size_t lag_bytes_ = 0;
    bool reset_ = false;  ///< what it asked for is not kept
    /// It has seen this event, which has not arrived here yet: all up to it are passed over.
    std::optional<std::uint64_t> ahead_;
    std::optional<std::size_t> ahead_origin_;  ///< of those passed over so far
    MonotonicTime attached_{};
  };

  struct Batch {
    bool reset = false;    ///< events were lost: older than what is kept
    bool ended = false;    ///< the message that was asked for has ended
    bool dropped = false;  ///< the session was destroyed
    std::uint64_t last_id = 0;
  };

  // ---- readers
  /// Attaches behind `last_id` (nullopt: only what comes now).
  void attach(const std::shared_ptr<Reader>& reader, std::optional<std::uint64_t> last_id);
  /// Attaches at the first kept event of the newest try of one message; false where none is kept.
  bool attach_to_message(const std::shared_ptr<Reader>& reader, std::string_view message_id);
  /// Attaches to what a turn that is about to run will write.
  void attach_to_turn(const std::shared_ptr<Reader>& reader, std::string_view message_id);
  void detach(const std::shared_ptr<Reader>& reader);
  /// Appends what is new, at most about `max_bytes`.
  Batch take(Reader& reader, Face face, std::string& out, std::size_t max_bytes);

  // ---- turns
  /// While it lives, the store may know of a message whose turn does not stand here yet.
  class Beginning {
   public:
    explicit Beginning(SessionStream& stream) noexcept : stream_(&stream) { ++stream.beginnings_; }
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;
    ~Beginning() { end(); }
    void end() noexcept {
      if (stream_ != nullptr) --std::exchange(stream_, nullptr)->beginnings_;
    }

   private:
    SessionStream* stream_;
  };
  bool is_beginning() const noexcept { return beginnings_ > 0; }
  /// Registers a turn; false where the session has `max_turns` under way.
  bool add_turn(std::string_view message_id, net::Worker& worker,
                const std::shared_ptr<TurnObserver>& turn, std::size_t max_turns);
  void remove_turn(std::string_view message_id);
  /// Whether the answer to a message is being written, here or at another node.
  bool is_under_way(std::string_view message_id) const;
  /// Lets the hub forget this stream where nothing is kept in it.
  void forget_if_idle();
  bool has_turn(std::string_view message_id) const;
  bool has_turns() const;
  bool has_own_readers() const;
  /// Here or at other nodes.
  bool has_readers() const;
  /// Appends an event made by `make(id)`. False where readers lag by more than the buffer: the turn
  /// should wait for room_available().
  bool publish(std::string_view message_id, const std::function<std::string(std::uint64_t)>& make,
               bool ends_message);
  /// Whether a turn that nobody reads has filled the ring.
  bool full() const;

  const state::Key& key() const noexcept { return key_; }

  // ---- other nodes
  /// How many other nodes have readers, as far as is known.
  void set_remote_readers(std::size_t count);
  /// Whether what other nodes wrote should be asked for (again): see StreamHub::renew().
  bool wants_renewal() const noexcept;
  /// REQUIRES: StreamHub::follow() was called for it once, as for all of these.
  void merge(const state::RelayedBatch& batch);
  /// One look at what is kept: what to ask for, and what came.
  struct Look {
    state::SessionId session{};
    std::uint64_t after = 0;
    unsigned number = 0;
    unsigned losses = 0;
  };
  Look begin_look();
  void end_look(const Look& look, const state::RelayedPast& past);

 private:
  friend class StreamHub;
  struct Entry {
    std::uint64_t id;
    std::size_t origin;  ///< of the node that wrote it; 0: this one
    std::string message_id;
    std::string json;
    bool begins_message;
    bool ends_message;
    std::uint64_t until;  ///< when it was written for other nodes, as an id would say
    std::size_t cost() const noexcept { return json.size() + message_id.size() + 64; }
  };
  struct TurnEntry {
    std::string message_id;
    net::Worker* worker;
    std::weak_ptr<TurnObserver> observer;
    bool has_written = false;
  };
  /// What is known of other nodes.
  struct Shared {
    struct Message {
      std::string node;
      std::string id;
      std::uint64_t last_id = 0;  ///< of its events that are here
      bool ended = false;
    };
    struct Suspect {
      std::string message;
      MonotonicTime since;
    };
    Message& message(std::string_view node, std::string_view id);
    /// Whether news have arrived without a break since the last look.
    bool was_told_all(const state::RelayedPast& past) const;

    state::SessionId session{};
    std::vector<Message> messages;       ///< the newest kMostMessages
    std::vector<std::string> under_way;  ///< messages whose turns live, wherever
    std::vector<Suspect> suspects;       ///< messages that have not ended and whose turns seem dead
    /// All batches up to this one are here, or readers were told that they are not.
    std::uint64_t number = 0;
    MonotonicTime looked{};     ///< last; zero: never
    unsigned looks = 0;         ///< begun so far
    unsigned newest_look = 0;   ///< of those that have ended
    unsigned losses = 0;        ///< how often news may have been lost
    unsigned losses_known = 0;  ///< when the newest look began
    std::string since;          ///< empty: this node does not follow
  };

  std::uint64_t first() const noexcept { return next_ - entries_.size(); }
  std::uint64_t clock_id() const;
  std::uint64_t new_id() const;
  bool is_kept(std::uint64_t id) const;
  bool is_certain(std::uint64_t id) const;
  bool is_written_here_at(std::uint64_t id) const;
  bool has_turn_locked(std::string_view message_id) const;
  bool is_under_way_locked(std::string_view message_id) const;
  bool may_arrive(std::uint64_t id) const;
  void add(const std::shared_ptr<Reader>& reader);
  void append(Entry entry);
  void pass_over(Reader& reader);
  void merge_locked(const state::RelayedBatch& batch);
  void check_floor(const state::RelayedPast& past);
  void ask_again();
  void wake_readers();
  std::vector<std::string> open_messages() const;
  void end_orphans();
  void lose_all(std::uint64_t floor);
  void drop_first();
  void trim();
  std::size_t largest_lag() const;
  void tell_turns_about_readers(bool any);
  void tell_turns_about_room();

  StreamHub& hub_;
  const state::Key key_;
  mutable std::mutex mutex_;
  boost::container::deque<Entry> entries_;  // unlike std::deque it allocates nothing while empty
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 0;     ///< how many events have arrived
  std::uint64_t last_id_ = 0;  ///< the largest one so far
  std::uint64_t floor_;        ///< every event behind this id is in `entries_`
  std::vector<std::shared_ptr<Reader>> readers_;
  std::vector<TurnEntry> turns_;
  std::atomic<std::size_t> beginnings_{0};
  bool writers_wait_ = false;
  bool writes_ = false;  ///< this node has written events
  bool dropped_ = false;
  MonotonicTime last_use_{};
  std::unique_ptr<Shared> shared_;  ///< where it was followed
  std::atomic<std::size_t> remote_readers_{0};
  std::atomic<MonotonicTime> renewal_{MonotonicTime::max()};
};

}  // namespace portcullis::chat

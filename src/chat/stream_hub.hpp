#pragma once
#include <array>
#include <atomic>
#include <boost/container/deque.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "chat/events.hpp"
#include "net/worker.hpp"
#include "state/store.hpp"

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
/// Threads:   any; one lock. Readers and turns are told on their own workers.
/// Bounds:    events that the slowest reader has not taken may hold `buffer_bytes`; then writers
/// wait.
///            What every reader has taken is kept for resuming within the same bound.
class SessionStream : public std::enable_shared_from_this<SessionStream> {
 public:
  SessionStream(StreamHub& hub, const state::Key& key, std::uint64_t first_id);

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
    std::uint64_t next_id_ = 0;
    std::string only_message_;  ///< empty: all messages of the session
    std::size_t lag_bytes_ = 0;
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
  /// Lets the hub forget this stream where nothing is kept in it.
  void forget_if_idle();
  bool has_turn(std::string_view message_id) const;
  bool has_turns() const;
  bool has_readers() const;
  /// Appends an event made by `make(id)`. False where readers lag by more than the buffer: the turn
  /// should wait for room_available().
  bool publish(std::string_view message_id, const std::function<std::string(std::uint64_t)>& make,
               bool ends_message);
  /// Whether a turn that nobody reads has filled the ring.
  bool full() const;

  const state::Key& key() const noexcept { return key_; }

 private:
  friend class StreamHub;
  struct Entry {
    std::uint64_t id;
    std::string message_id;
    std::string json;
    bool ends_message;
    std::size_t cost() const noexcept { return json.size() + message_id.size() + 64; }
  };
  struct TurnEntry {
    std::string message_id;
    net::Worker* worker;
    std::weak_ptr<TurnObserver> observer;
  };

  void trim();
  std::size_t largest_lag() const;
  void tell_turns_about_readers(bool any);
  void tell_turns_about_room();

  StreamHub& hub_;
  const state::Key key_;
  mutable std::mutex mutex_;
  boost::container::deque<Entry> entries_;  // unlike std::deque it allocates nothing while empty
  std::size_t bytes_ = 0;
  std::uint64_t next_id_;
  std::vector<std::shared_ptr<Reader>> readers_;
  std::vector<TurnEntry> turns_;
  std::atomic<std::size_t> beginnings_{0};
  bool writers_wait_ = false;
  bool dropped_ = false;
  MonotonicTime last_use_{};
};

/// All sessions' streams, and the caps on them.
///
/// Threads: any. Ownership: outlives every worker's connections.
/// Bounds:  streams in all, per session and per address; bytes kept for resuming in all.
class StreamHub {
 public:
  struct Options {
    std::size_t max_streams = 10'000;
    std::size_t max_per_session = 5;
    std::size_t max_per_address = 20;
    std::size_t buffer_bytes = 128 * 1024;
    std::size_t total_bytes = 64 * 1024 * 1024;
    /// How long a session's events are kept after its last use, until the next sweep().
    Seconds retention{60};
  };

  explicit StreamHub(const Options& options, const Clock& clock = Clock::system());

  /// The session's stream, made at need.
  std::shared_ptr<SessionStream> open(const state::Key& session);
  /// The session's stream where there is one.
  std::shared_ptr<SessionStream> find(const state::Key& session);

  /// A place for one more stream, held until it is destroyed.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;
    ~Place() { release(); }
    explicit operator bool() const noexcept { return hub_ != nullptr; }

   private:
    friend class StreamHub;
    void release();
    StreamHub* hub_ = nullptr;
    state::Key session_{};
    IpAddress network_;
    MonotonicTime since_{};
  };
  /// An empty place where a cap is reached.
  Place admit(const state::Key& session, const IpAddress& address);

  /// Forgets every stream that was not used for the retention. Called every few seconds; where
  /// streams are opened, their shard is swept on the way.
  void sweep();
  /// Forgets a stream that only its caller still holds and that keeps nothing.
  void forget_if_idle(const state::Key& session);
  /// Ends what reads a session's events, for a session that was destroyed.
  void drop(const state::Key& session);

  /// Stops every turn under way; turns() says how many have not ended yet.
  void stop_turns();
  std::size_t turns() const;

  std::size_t open_streams() const noexcept { return open_; }
  std::uint64_t streams_opened() const noexcept { return opened_; }
  std::size_t streaming_sessions() const;
  /// Age of the oldest open stream.
  Seconds oldest_age() const;
  const Options& options() const noexcept { return options_; }
  const Clock& clock() const noexcept { return clock_; }

 private:
  friend class SessionStream;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<state::Key, std::shared_ptr<SessionStream>, state::KeyHash> streams;
    MonotonicTime swept{};
  };
  Shard& shard_of(const state::Key& key) noexcept { return shards_[key[1] % shards_.size()]; }
  void sweep(Shard& shard);

  const Options options_;
  const Clock& clock_;
  mutable std::array<Shard, 16> shards_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::size_t> kept_bytes_{0};
  mutable std::mutex places_mutex_;
  std::unordered_map<state::Key, std::size_t, state::KeyHash> per_session_;
  std::unordered_map<IpAddress, std::size_t> per_address_;
  std::multiset<MonotonicTime> since_;
};

}  // namespace portcullis::chat

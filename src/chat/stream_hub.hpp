#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "base/address.hpp"
#include "base/task.hpp"
#include "chat/session_stream.hpp"

namespace portcullis::chat {

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

  /// Nodes share their state: sessions' events go to others and come from them.
  /// REQUIRES: before workers run; it outlives them.
  void share(state::EventRelay& relay);
  /// Null where there is one node.
  state::EventRelay* relay() const noexcept { return relay_; }
  /// Merges what other nodes wrote of a session into its stream, and has what they write from now
  /// on merged for `life`. REQUIRES: relay(). While it cannot be asked, only what is here is read.
  Task<void> follow(std::shared_ptr<SessionStream> stream, state::SessionId session,
                    Milliseconds life);
  /// Ends that where nobody reads the stream here.
  void unfollow(SessionStream& stream);
  /// The same again, for a stream that is followed; at every SessionStream::wants_renewal().
  Task<void> renew(std::shared_ptr<SessionStream> stream, Milliseconds life);

  /// The session's stream, made at need.
  std::shared_ptr<SessionStream> open(const state::Key& session);
  /// The session's stream where there is one.
  std::shared_ptr<SessionStream> find(const state::Key& session);

  /// Events are on their way to other nodes, for as long as it lives.
  class Unsent {
   public:
    explicit Unsent(StreamHub& hub) noexcept : hub_(hub) { ++hub_.unsent_; }
    Unsent(const Unsent&) = delete;
    Unsent& operator=(const Unsent&) = delete;
    ~Unsent() { --hub_.unsent_; }

   private:
    StreamHub& hub_;
  };

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

  /// Stops every turn under way; turns() says how many have not ended, or not been told to other
  /// nodes yet.
  void stop_turns();
  bool stops() const noexcept { return stops_; }
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
  void take_news(const state::Key& session, std::string_view sealed);
  void note_missed();

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
  state::EventRelay* relay_ = nullptr;
  std::atomic<bool> stops_{false};
  std::atomic<std::size_t> unsent_{0};
};

}  // namespace portcullis::chat

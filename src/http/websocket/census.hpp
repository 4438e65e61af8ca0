#pragma once
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

namespace portcullis::http::websocket {

/// The WebSockets that are open: how many there may be, of whom they are, and what they did.
///
/// Threads:   any; one lock, taken where a connection opens or closes or somebody asks.
/// Ownership: outlives every Place.
/// Bounds:    the limits that admit() is given.
class Census {
 private:
  struct Entry;

 public:
  struct Limits {
    std::size_t total = 1000;
    std::size_t per_address = 10;
  };
  enum class Outcome : std::uint8_t { admitted, total_reached, address_reached };

  /// One open connection, counted for as long as it lives, by its address (an IPv6 one by its /64).
  /// Used on its worker alone.
  class Place {
   public:
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }
    void leave();
    /// Takes over what `other` holds. REQUIRES: this one holds nothing.
    void take(Place& other) noexcept {
      census_ = std::exchange(other.census_, nullptr);
      entry_ = other.entry_;
    }
    void set_authenticated();
    void count_message(WallTime now);

   private:
    friend class Census;
    Census* census_ = nullptr;
    std::list<Entry>::iterator entry_;
  };
  Outcome admit(const IpAddress& address, const Limits& limits, WallTime now, Place& place);

  struct Figures {
    std::size_t open = 0;
    std::size_t authenticated = 0;
    std::size_t addresses = 0;
    double average_seconds = 0;  ///< how long those that are open have been
    std::uint64_t messages = 0;  ///< since the start
  };
  Figures figures(WallTime now) const;

  /// One connection, as operators see it.
  struct Connection {
    Ulid id;
    IpAddress address;
    WallTime since;
    WallTime last_activity;
    std::uint64_t messages = 0;
    bool authenticated = false;
  };
  /// The oldest `most` of them.
  std::vector<Connection> connections(std::size_t most) const;

 private:
  struct Entry {
    Connection about;
    std::atomic<std::int64_t> last_activity{0};  ///< in milliseconds since 1970
    std::atomic<std::uint64_t> messages{0};
  };

  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< the oldest first
  std::unordered_map<IpAddress, std::size_t> per_network_;
  std::size_t authenticated_ = 0;
  std::atomic<std::uint64_t> messages_{0};
};

}  // namespace portcullis::http::websocket

#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "net/worker.hpp"

namespace portcullis::http::websocket {

/// What an operator tells those who are connected to a site.
struct Notice {
  std::string site;
  bool everybody = false;  ///< also who has shown no session
  std::string text;        ///< the message that is sent
};

/// A connection that can be told something.
class Listener {
 public:
  /// On its worker.
  virtual void hear(const std::string& text) = 0;

 protected:
  ~Listener() = default;
};

/// The WebSockets that are open: how many there may be, of whom they are, and what they did.
///
/// Threads:   any; one lock, taken where a connection opens or closes or somebody asks.
/// Ownership: outlives every Place, and the workers.
/// Bounds:    the limits that admit() is given.
class Census {
 private:
  struct Entry;
  /// Of a connection that listens; what it leads to is looked at on its worker alone.
  struct Ear {
    net::Worker& worker;
    const std::string site;
    Listener* listener;  ///< null: it has gone
  };

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
    void count_message() noexcept;
    /// From now on `listener` hears what the site is told, until this place is left.
    void listen(net::Worker& worker, std::string site, Listener& listener);

   private:
    friend class Census;
    Census* census_ = nullptr;
    std::list<Entry>::iterator entry_;
  };
  Outcome admit(const IpAddress& address, const Limits& limits, WallTime now, Place& place);

  /// Tells those who listen now, and whoever on_tell() has named.
  void tell(const Notice& notice);
  void tell_here(const Notice& notice);
  /// REQUIRES: before anybody tells something.
  void on_tell(std::function<void(const Notice&)> further) { further_ = std::move(further); }

  struct Figures {
    std::size_t open = 0;
    std::size_t authenticated = 0;
    std::size_t addresses = 0;
    double average_seconds = 0;  ///< how long those that are open have been
    std::uint64_t messages = 0;  ///< since the start
  };
  Figures figures(WallTime now) const;

 private:
  struct Entry {
    IpAddress address;
    WallTime since;
    bool authenticated = false;
    std::shared_ptr<Ear> ear;  ///< null: it cannot be told anything
  };

  mutable std::mutex mutex_;
  std::list<Entry> entries_;
  std::unordered_map<IpAddress, std::size_t> per_network_;
  std::size_t authenticated_ = 0;
  std::atomic<std::uint64_t> messages_{0};
  std::function<void(const Notice&)> further_;
};

}  // namespace portcullis::http::websocket

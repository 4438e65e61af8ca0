#include "net/names.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>

namespace portcullis::net {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kCachedNames = 64;
constexpr Seconds kNameLife{30};
constexpr Seconds kStaleLife{300};  ///< beyond kNameLife

struct CachedName {
  Endpoints endpoints;
  MonotonicTime found;
};

class Patience;

/// A lookup under way. Owned by its completion and by those who wait, whichever lasts longer.
struct Flight {
  Flight(Worker& on, std::string of) : worker(on), key(std::move(of)) {}
  Worker& worker;
  const std::string key;
  std::optional<Result<Endpoints>> found;
  std::vector<Patience*> waiters;
};

/// What is known on this thread; hosts come from the configuration, so there are few.
struct Known {
  std::unordered_map<std::string, CachedName> names;
  std::unordered_map<std::string, std::weak_ptr<Flight>> flights;
};

Known& known() {
  thread_local Known names;
  return names;
}

/// `co_await`s the end of a flight or of somebody's patience, whichever comes first.
class Patience {
 public:
  Patience(Flight& flight, Milliseconds patience)
      : flight_(flight),
        timer_(
            flight.worker.deadlines(), [](void* self) { static_cast<Patience*>(self)->give_up(); },
            this),
        patience_(patience) {}

  bool await_ready() const noexcept { return flight_.found.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    flight_.waiters.push_back(this);
    timer_.arm(patience_);
  }
  void await_resume() const noexcept {}

  void landed() {
    timer_.disarm();
    flight_.worker.resume_later(waiter_);
  }

 private:
  void give_up() {
    std::erase(flight_.waiters, this);
    waiter_.resume();
  }

  Flight& flight_;
  DeadlineTimer timer_;
  const Milliseconds patience_;
  std::coroutine_handle<> waiter_;
};

void land(Flight& flight, Result<Endpoints> found) {
  auto& [names, flights] = known();
  flights.erase(flight.key);
  if (found) {
    if (names.size() >= kCachedNames) names.clear();
    names[flight.key] = {*found, flight.worker.clock().monotonic()};
  }
  flight.found = std::move(found);
  for (Patience* waiter : std::exchange(flight.waiters, {})) waiter->landed();
}

/// The lookup of this name that is under way, or a new one.
std::shared_ptr<Flight> flight_of(Worker& worker, const std::string& host, std::uint16_t port,
                                  const std::string& key, const Lookup& lookup) {
  auto& flights = known().flights;
  if (const auto at = flights.find(key); at != flights.end()) {
    if (auto flight = at->second.lock()) return flight;
  }
  auto flight = std::make_shared<Flight>(worker, key);
  flights[key] = flight;
  lookup(worker, host, port,
         [flight](Result<Endpoints> found) { land(*flight, std::move(found)); });
  return flight;
}

}  // namespace

void system_lookup(Worker& worker, const std::string& host, std::uint16_t port, LookupDone done) {
  auto resolver = std::make_shared<tcp::resolver>(worker.context());
  resolver->async_resolve(
      host, std::to_string(port),
      [resolver, host, done = std::move(done)](const boost::system::error_code& error,
                                               const tcp::resolver::results_type& found) mutable {
        if (error) {
          return done(fail(ErrorCode::unavailable, host + ": " + error.message(),
                           ErrorOrigin::upstream, Retry::safe));
        }
        Endpoints endpoints;
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
        done(std::move(endpoints));
      });
}

Task<Result<Endpoints>> resolve(Worker& worker, std::string host, std::uint16_t port,
                                Milliseconds patience, Lookup lookup) {
  const std::string key = host + ":" + std::to_string(port);
  const auto& names = known().names;
  if (const auto at = names.find(key); at != names.end()) {
    const auto age = worker.clock().monotonic() - at->second.found;
    if (age < kNameLife) co_return at->second.endpoints;
    if (age < kNameLife + kStaleLife) {
      Endpoints stale = at->second.endpoints;
      (void)flight_of(worker, host, port, key, lookup);
      co_return stale;
    }
  }
  const auto flight = flight_of(worker, host, port, key, lookup);
  co_await Patience(*flight, patience);
  if (!flight->found) {
    co_return fail(ErrorCode::timeout, "looking up " + host + " took too long",
                   ErrorOrigin::upstream, Retry::safe);
  }
  co_return *flight->found;
}

}  // namespace portcullis::net

#include "net/connector.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <unordered_map>

#include "net/tcp_stream.hpp"
#include "net/tls_stream.hpp"

namespace portcullis::net {
namespace {

using boost::asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

constexpr std::size_t kCachedNames = 64;
constexpr Seconds kNameLife{30};

struct CachedName {
  Endpoints endpoints;
  MonotonicTime expires;
};

/// Names resolved on this thread; hosts come from the configuration, so there are few.
std::unordered_map<std::string, CachedName>& name_cache() {
  thread_local std::unordered_map<std::string, CachedName> cache;
  return cache;
}

class Resolve {
 public:
  Resolve(tcp::resolver& resolver, const Target& target) : resolver_(resolver), target_(target) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    resolver_.async_resolve(target_.host, std::to_string(target_.port),
                            [this, waiter](const boost::system::error_code& error,
                                           const tcp::resolver::results_type& found) {
                              error_ = error;
                              for (const auto& entry : found)
                                endpoints_.push_back(entry.endpoint());
                              waiter.resume();
                            });
  }
  Result<Endpoints> await_resume() {
    if (error_) {
      const auto code = error_ == boost::asio::error::operation_aborted ? ErrorCode::timeout
                                                                        : ErrorCode::unavailable;
      return fail(code, target_.host + ": " + error_.message(), ErrorOrigin::upstream, Retry::safe);
    }
    return std::move(endpoints_);
  }

 private:
  tcp::resolver& resolver_;
  const Target& target_;
  boost::system::error_code error_;
  Endpoints endpoints_;
};

class Connect {
 public:
  Connect(tcp::socket& socket, const Endpoints& endpoints)
      : socket_(socket), endpoints_(endpoints) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    boost::asio::async_connect(
        socket_, endpoints_,
        [this, waiter](const boost::system::error_code& error, const tcp::endpoint&) {
          error_ = error;
          waiter.resume();
        });
  }
  boost::system::error_code await_resume() const { return error_; }

 private:
  tcp::socket& socket_;
  const Endpoints& endpoints_;
  boost::system::error_code error_;
};

/// What the deadline cancels: whichever of the two is under way.
struct Attempt {
  tcp::resolver resolver;
  tcp::socket socket;
  bool timed_out = false;
};

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Worker& worker, Target target, Milliseconds timeout) {
  Attempt attempt{tcp::resolver(worker.context()), tcp::socket(worker.context())};
  DeadlineTimer timer(
      worker.deadlines(),
      [](void* context) {
        auto& a = *static_cast<Attempt*>(context);
        a.timed_out = true;
        boost::system::error_code ignored;
        a.resolver.cancel();
        a.socket.close(ignored);
      },
      &attempt);
  timer.arm(timeout);
  const auto timed_out = [&] {
    return fail(ErrorCode::timeout, "connecting to " + target.host + " took too long",
                ErrorOrigin::upstream, Retry::safe);
  };

  Endpoints endpoints;
  if (const auto literal = IpAddress::parse(target.host)) {
    boost::system::error_code ignored;
    endpoints.emplace_back(boost::asio::ip::make_address(target.host, ignored), target.port);
  } else {
    const std::string key = target.host + ":" + std::to_string(target.port);
    auto& cache = name_cache();
    const auto now = worker.clock().monotonic();
    if (const auto known = cache.find(key); known != cache.end() && known->second.expires > now) {
      endpoints = known->second.endpoints;
    } else {
      auto found = co_await Resolve(attempt.resolver, target);
      if (attempt.timed_out) co_return timed_out();
      if (!found) co_return std::unexpected(std::move(found).error());
      endpoints = *found;
      if (cache.size() >= kCachedNames) cache.clear();
      cache[key] = {endpoints, now + kNameLife};
    }
  }

  const auto error = co_await Connect(attempt.socket, endpoints);
  timer.disarm();
  if (attempt.timed_out) co_return timed_out();
  if (error) {
    co_return fail(ErrorCode::refused, target.host + ": " + error.message(), ErrorOrigin::upstream,
                   Retry::safe);
  }
  if (target.tls) {
    co_return co_await tls_handshake(std::move(attempt.socket), target.tls, target.host,
                                     worker.deadlines(), timeout);
  }
  co_return std::unique_ptr<Stream>(std::make_unique<TcpStream>(worker, std::move(attempt.socket)));
}

}  // namespace portcullis::net

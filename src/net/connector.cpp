#include "net/connector.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/tcp_stream.hpp"
#include "net/tls_stream.hpp"

namespace portcullis::net {
namespace {

using boost::asio::ip::tcp;

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

/// What the deadline closes.
struct Attempt {
  tcp::socket socket;
  bool timed_out = false;
};

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Worker& worker, Target target, Milliseconds timeout,
                                              Lookup lookup) {
  const MonotonicTime deadline = worker.clock().monotonic() + timeout;
  const auto left = [&] {
    return std::chrono::ceil<Milliseconds>(deadline - worker.clock().monotonic());
  };
  const auto timed_out = [&] {
    return fail(ErrorCode::timeout, "connecting to " + target.host + " took too long",
                ErrorOrigin::upstream, Retry::safe);
  };

  Endpoints endpoints;
  if (const auto literal = IpAddress::parse(target.host)) {
    boost::system::error_code ignored;
    endpoints.emplace_back(boost::asio::ip::make_address(target.host, ignored), target.port);
  } else {
    auto found = co_await resolve(worker, target.host, target.port, timeout, std::move(lookup));
    if (!found) co_return std::unexpected(std::move(found).error());
    endpoints = *std::move(found);
  }

  if (left().count() <= 0) co_return timed_out();
  Attempt attempt{tcp::socket(worker.context())};
  DeadlineTimer timer(
      worker.deadlines(),
      [](void* context) {
        auto& a = *static_cast<Attempt*>(context);
        a.timed_out = true;
        boost::system::error_code ignored;
        a.socket.close(ignored);
      },
      &attempt);
  timer.arm(left());
  const auto error = co_await Connect(attempt.socket, endpoints);
  timer.disarm();
  if (attempt.timed_out) co_return timed_out();
  if (error) {
    co_return fail(ErrorCode::refused, target.host + ": " + error.message(), ErrorOrigin::upstream,
                   Retry::safe);
  }
  if (target.tls) {
    if (left().count() <= 0) co_return timed_out();
    co_return co_await tls_handshake(std::move(attempt.socket), target.tls, target.host,
                                     worker.deadlines(), left());
  }
  co_return std::unique_ptr<Stream>(std::make_unique<TcpStream>(worker, std::move(attempt.socket)));
}

}  // namespace portcullis::net

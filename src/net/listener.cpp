#include "net/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>

#include "net/tcp_stream.hpp"

namespace portcullis::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr int kAcceptsAtOnce = 64;
constexpr Milliseconds kRestAfterError{100};

}  // namespace

Listener::Listener(Worker& worker, OnAccept on_accept)
    : worker_(worker),
      acceptor_(worker.context()),
      on_accept_(std::move(on_accept)),
      rest_(
          worker.deadlines(), [](void* self) { static_cast<Listener*>(self)->accept_next(); },
          this) {}

Result<std::unique_ptr<Listener>> Listener::open(Worker& worker, const std::string& host,
                                                 std::uint16_t port, OnAccept on_accept) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) return fail(ErrorCode::invalid_input, "'" + host + "' is no IP address to listen on");
  std::unique_ptr<Listener> out(new Listener(worker, std::move(on_accept)));
  auto& acceptor = out->acceptor_;
  const tcp::endpoint endpoint(address, port);
  const auto refused = [&](const char* what) {
    return fail(ErrorCode::refused, std::string(what) + " " + host + ":" + std::to_string(port) +
                                        ": " + error.message());
  };
  acceptor.open(endpoint.protocol(), error);
  if (error) return refused("cannot open a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  const int on = 1;
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  acceptor.bind(endpoint, error);
  if (error) return refused("cannot listen on");
  acceptor.listen(4096, error);
  if (error) return refused("cannot listen on");
  return out;
}

Result<bool> Listener::probe(const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) return fail(ErrorCode::invalid_input, "'" + host + "' is no IP address to listen on");
  asio::io_context context;
  tcp::acceptor acceptor(context);
  const tcp::endpoint endpoint(address, port);
  acceptor.open(endpoint.protocol(), error);
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  if (!error) return true;
  return fail(ErrorCode::refused,
              "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
}

void Listener::start() { accept_next(); }

void Listener::stop() {
  rest_.disarm();
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

std::uint16_t Listener::port() const {
  boost::system::error_code ignored;
  return acceptor_.local_endpoint(ignored).port();
}

void Listener::accept_next() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const boost::system::error_code& error) {
    if (error || !acceptor_.is_open()) return;
    if (accept_waiting()) {
      accept_next();
    } else {
      rest_.arm(kRestAfterError);
    }
  });
}

/// Accepts what waits, up to a bound; false where the system has no room for more connections now.
bool Listener::accept_waiting() {
  for (int i = 0; i < kAcceptsAtOnce && acceptor_.is_open(); ++i) {
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const int descriptor =
        ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      peer.resize(size);
      on_accept_(std::make_unique<TcpStream>(worker_, descriptor, address_of(peer.address())));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    // A connection that ended while it waited is its own loss, not the listener's (accept(2)).
    const bool out_of_room =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (out_of_room) return false;
  }
  return true;
}

}  // namespace portcullis::net

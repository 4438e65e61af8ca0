#include "net/tcp_stream.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace portcullis::net {
namespace {

/// Whether the peer has sent its FIN or a reset, even where unread data stands before it.
bool peer_has_closed(int descriptor) {
  char byte;
  const ssize_t n = ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n == 0) return true;
  if (n < 0) return errno != EAGAIN && errno != EINTR;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
  return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 &&
         info.tcpi_state != TCP_FIN_WAIT2;
}

}  // namespace

/// Shared with the pending wait, which may complete after the stream is gone.
struct TcpStream::Watch : std::enable_shared_from_this<TcpStream::Watch> {
  Watch(TcpStream& s, Deadlines& wheel)
      : stream(&s), poll(wheel, [](void* self) { static_cast<Watch*>(self)->check(); }, this) {}

  TcpStream* stream;
  PeerGone gone = nullptr;
  void* context = nullptr;
  bool waiting = false;
  DeadlineTimer poll;

  void wait() {
    if (waiting) return;
    waiting = true;
    stream->socket_.async_wait(boost::asio::socket_base::wait_read,
                               [self = shared_from_this()](const boost::system::error_code& error) {
                                 self->waiting = false;
                                 if (!error && self->stream != nullptr && self->gone != nullptr)
                                   self->check();
                               });
  }

  void check() {
    if (stream == nullptr || gone == nullptr) return;
    if (!peer_has_closed(stream->socket_.native_handle())) {
      // Unread data makes every wait return at once; look again after a while instead.
      poll.arm(Milliseconds{50});
      return;
    }
    const PeerGone call = std::exchange(gone, nullptr);
    call(context);
  }
};

IpAddress address_of(const boost::asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
  return IpAddress::v6(address.to_v6().to_bytes());
}

TcpStream::TcpStream(Worker& worker, boost::asio::ip::tcp::socket socket)
    : socket_(std::move(socket)), worker_(worker) {
  boost::system::error_code ignored;
  const auto endpoint = socket_.remote_endpoint(ignored);
  if (!ignored) peer_ = address_of(endpoint.address());
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.native_non_blocking(true, ignored);
}

TcpStream::~TcpStream() {
  if (watch_) {
    watch_->stream = nullptr;
    watch_->poll.disarm();
  }
}

bool socket_is_quiet(int descriptor) noexcept {
  char byte;
  return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// NOLINTNEXTLINE: the descriptor is only looked at.
bool TcpStream::looks_idle() const {
  return socket_is_quiet(const_cast<boost::asio::ip::tcp::socket&>(socket_).native_handle());
}

void TcpStream::shutdown_send() {
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void TcpStream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void TcpStream::close() {
  unwatch_peer();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void TcpStream::abort() {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  close();
}

void TcpStream::watch_peer(PeerGone gone, void* context) {
  if (!watch_) watch_ = std::make_shared<Watch>(*this, worker_.deadlines());
  watch_->gone = gone;
  watch_->context = context;
  watch_->wait();
}

void TcpStream::unwatch_peer() noexcept {
  if (!watch_) return;
  // The wait itself stays: it completes unheeded when the next bytes arrive.
  watch_->gone = nullptr;
  watch_->poll.disarm();
}

void TcpStream::start_read(std::span<char> into, IoOperation& operation) {
  socket_.async_read_some(boost::asio::buffer(into.data(), into.size()),
                          [&operation](const boost::system::error_code& error, std::size_t n) {
                            operation.error = error;
                            operation.bytes = n;
                            operation.waiter.resume();
                          });
}

bool TcpStream::try_write(std::string_view& first, std::string_view& second,
                          IoOperation& operation) {
  while (!first.empty() || !second.empty()) {
    iovec pieces[2] = {{const_cast<char*>(first.data()), first.size()},
                       {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = first.empty() ? pieces + 1 : pieces;
    message.msg_iovlen = (first.empty() ? 0U : 1U) + (second.empty() ? 0U : 1U);
    const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      operation.error = {errno, boost::system::system_category()};
      return true;
    }
    const auto sent = static_cast<std::size_t>(n);
    operation.bytes += sent;
    const std::size_t of_first = std::min(sent, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(sent - of_first);
  }
  return true;
}

void TcpStream::start_write(std::string_view first, std::string_view second,
                            IoOperation& operation) {
  const std::array<boost::asio::const_buffer, 2> pieces{
      boost::asio::buffer(first.data(), first.size()),
      boost::asio::buffer(second.data(), second.size())};
  boost::asio::async_write(socket_, pieces,
                           [&operation](const boost::system::error_code& error, std::size_t n) {
                             operation.error = error;
                             operation.bytes += n;
                             operation.waiter.resume();
                           });
}

}  // namespace portcullis::net

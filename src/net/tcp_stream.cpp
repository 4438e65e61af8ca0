#include "net/tcp_stream.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/asio/error.hpp>

namespace portcullis::net {
namespace {

/// Reads that succeed without waiting before other connections get their turn.
constexpr std::uint16_t kReadsBeforeYield = 16;

boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

IpAddress peer_of(boost::asio::ip::tcp::socket& socket) {
  boost::system::error_code ignored;
  return address_of(socket.remote_endpoint(ignored).address());
}

int take_descriptor(boost::asio::ip::tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.native_non_blocking(true, ignored);
  return socket.release(ignored);
}

}  // namespace

IpAddress address_of(const boost::asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
  return IpAddress::v6(address.to_v6().to_bytes());
}

TcpStream::TcpStream(Worker& worker, int descriptor, const IpAddress& peer)
    : worker_(worker), descriptor_(descriptor), peer_(peer) {
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!worker_.poller().add(descriptor_, *this)) {
    ::close(std::exchange(descriptor_, -1));
  }
}

TcpStream::TcpStream(Worker& worker, boost::asio::ip::tcp::socket socket)
    : TcpStream(worker, take_descriptor(socket), peer_of(socket)) {}

TcpStream::~TcpStream() { close(); }

bool TcpStream::looks_idle() const {
  if (ended_ || descriptor_ < 0) return false;
  // Events come once a turn; what came since then must not be taken for the next answer.
  char byte;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_block();
}

std::uint64_t TcpStream::bytes_delivered() const noexcept {
  // The socket's buffer may be megabytes, and it is writable only when a third of them is free.
  int waiting = 0;
  if (::ioctl(descriptor_, SIOCOUTQ, &waiting) != 0) return bytes_sent_;
  return bytes_sent_ - std::min(bytes_sent_, static_cast<std::uint64_t>(waiting));
}

void TcpStream::shutdown_send() { ::shutdown(descriptor_, SHUT_WR); }

void TcpStream::cancel() {
  for (IoOperation** operation : {&reader_, &writer_}) {
    if (IoOperation* stopped = std::exchange(*operation, nullptr)) {
      stopped->error = boost::asio::error::operation_aborted;
      worker_.resume_later(stopped->waiter);
    }
  }
}

void TcpStream::close() {
  unwatch_peer();
  cancel();
  if (descriptor_ < 0) return;
  worker_.poller().remove(*this);
  ::close(std::exchange(descriptor_, -1));
}

void TcpStream::abort() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (descriptor_ >= 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close();
}

void TcpStream::watch_peer(PeerGone gone, void* context) {
  if (ended_) return gone(context);
  gone_ = gone;
  gone_context_ = context;
}

void TcpStream::unwatch_peer() noexcept { gone_ = nullptr; }

void TcpStream::on_ready(std::uint32_t events) {
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;

  // What waits here may destroy this stream when it goes on, so all that is done first.
  std::coroutine_handle<> after_read;
  if (reader_ != nullptr && readable_ && read_now(read_into_, *reader_)) {
    reads_in_a_row_ = 0;
    after_read = std::exchange(reader_, nullptr)->waiter;
  }
  std::coroutine_handle<> after_write;
  if (writer_ != nullptr && try_write(write_first_, write_second_, *writer_)) {
    after_write = std::exchange(writer_, nullptr)->waiter;
  }
  if (ended_ && gone_ != nullptr) std::exchange(gone_, nullptr)(gone_context_);
  if (after_read) after_read.resume();
  if (after_write) after_write.resume();
}

bool TcpStream::read_now(std::span<char> into, IoOperation& operation) {
  while (true) {
    const ssize_t n = ::recv(descriptor_, into.data(), into.size(), 0);
    if (n > 0) {
      operation.bytes = static_cast<std::size_t>(n);
      // Less than asked: the socket is drained and the next bytes make an event. An end behind
      // these bytes has made its event already.
      if (operation.bytes < into.size() && !ended_) readable_ = false;
      return true;
    }
    if (n == 0 && !into.empty()) {
      operation.error = boost::asio::error::eof;
      return true;
    }
    if (n == 0) return true;
    if (errno == EINTR) continue;
    if (would_block()) {
      readable_ = false;
      return false;
    }
    operation.error = last_error();
    return true;
  }
}

bool TcpStream::try_read(std::span<char> into, IoOperation& operation) {
  if (descriptor_ < 0) {
    operation.error = boost::asio::error::bad_descriptor;
    return true;
  }
  return readable_ && reads_in_a_row_++ < kReadsBeforeYield && read_now(into, operation);
}

void TcpStream::start_read(std::span<char> into, IoOperation& operation) {
  reads_in_a_row_ = 0;
  if (readable_ && read_now(into, operation)) return worker_.resume_later(operation.waiter);
  reader_ = &operation;
  read_into_ = into;
}

bool TcpStream::try_write(std::string_view& first, std::string_view& second,
                          IoOperation& operation) {
  while (!first.empty() || !second.empty()) {
    iovec pieces[2] = {{const_cast<char*>(first.data()), first.size()},
                       {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = first.empty() ? pieces + 1 : pieces;
    message.msg_iovlen = (first.empty() ? 0U : 1U) + (second.empty() ? 0U : 1U);
    const ssize_t n = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (would_block()) return false;
      operation.error = last_error();
      return true;
    }
    const auto sent = static_cast<std::size_t>(n);
    operation.bytes += sent;
    bytes_sent_ += sent;
    const std::size_t of_first = std::min(sent, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(sent - of_first);
  }
  return true;
}

void TcpStream::start_write(std::string_view first, std::string_view second,
                            IoOperation& operation) {
  writer_ = &operation;
  write_first_ = first;
  write_second_ = second;
}

}  // namespace portcullis::net

#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// A plain TCP stream.
class TcpStream final : public Stream {
 public:
  TcpStream(Worker& worker, boost::asio::ip::tcp::socket socket);
  ~TcpStream() override;

  void shutdown_send() override;
  void cancel() override;
  void close() override;
  void abort() override;
  void watch_peer(PeerGone gone, void* context) override;
  void unwatch_peer() noexcept override;
  bool looks_idle() const override;
  bool is_tls() const noexcept override { return false; }
  IpAddress peer_address() const override { return peer_; }

 protected:
  void start_read(std::span<char> into, IoOperation& operation) override;
  bool try_write(std::string_view& first, std::string_view& second,
                 IoOperation& operation) override;
  void start_write(std::string_view first, std::string_view second,
                   IoOperation& operation) override;

 private:
  struct Watch;

  boost::asio::ip::tcp::socket socket_;
  IpAddress peer_;
  std::shared_ptr<Watch> watch_;
  Worker& worker_;
};

/// Whether a socket has nothing to read and is not closed. Costs a system call.
bool socket_is_quiet(int descriptor) noexcept;

/// The address of a TCP endpoint.
IpAddress address_of(const boost::asio::ip::address& address);

}  // namespace portcullis::net

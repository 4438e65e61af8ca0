#pragma once
#include <boost/asio/ip/tcp.hpp>

#include "net/poller.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// A plain TCP stream on the worker's Poller: a message that comes whole costs one recv, one that
/// goes whole one sendmsg, and whether the peer is still there costs nothing.
class TcpStream final : public Stream, private Pollable {
 public:
  /// Takes over a connected, non-blocking descriptor.
  TcpStream(Worker& worker, int descriptor, const IpAddress& peer);
  /// Takes over a connected socket of asio's.
  TcpStream(Worker& worker, boost::asio::ip::tcp::socket socket);
  ~TcpStream() override;

  void shutdown_send() override;
  void cancel() override;
  void close() override;
  void abort() override;
  void watch_peer(PeerGone gone, void* context) override;
  void unwatch_peer() noexcept override;
  bool looks_idle() const override;
  std::uint64_t bytes_delivered() const noexcept override;
  bool is_tls() const noexcept override { return false; }
  IpAddress peer_address() const override { return peer_; }

 protected:
  bool try_read(std::span<char> into, IoOperation& operation) override;
  void start_read(std::span<char> into, IoOperation& operation) override;
  bool try_write(std::string_view& first, std::string_view& second,
                 IoOperation& operation) override;
  void start_write(std::string_view first, std::string_view second,
                   IoOperation& operation) override;

 private:
  void on_ready(std::uint32_t events) override;
  bool read_now(std::span<char> into, IoOperation& operation);

  Worker& worker_;
  int descriptor_;
  bool readable_ = false;  ///< a read may give bytes or the end; false: an event will tell
  bool ended_ = false;     ///< the peer has closed or reset, perhaps behind unread bytes
  std::uint16_t reads_in_a_row_ = 0;
  IpAddress peer_;
  IoOperation* reader_ = nullptr;
  std::span<char> read_into_;
  IoOperation* writer_ = nullptr;
  std::string_view write_first_;
  std::string_view write_second_;
  std::uint64_t bytes_sent_ = 0;
  PeerGone gone_ = nullptr;
  void* gone_context_ = nullptr;
};

/// The address of a TCP endpoint.
IpAddress address_of(const boost::asio::ip::address& address);

}  // namespace portcullis::net

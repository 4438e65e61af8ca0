#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/stream.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

/// One worker's share of a listening port (SO_REUSEPORT): the kernel spreads connections over the
/// workers, and each stays where it was accepted.
///
/// Threads: created on any thread before the worker runs; afterwards its worker's.
/// Errors:  descriptors or memory run out: accepting rests 100 ms and goes on.
class Listener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;

  /// Port 0 takes a free one; port() tells which.
  /// @returns invalid_input for an address that is none, refused where it is taken.
  static Result<std::unique_ptr<Listener>> open(Worker& worker, const std::string& host,
                                                std::uint16_t port, OnAccept on_accept);
  /// Whether an address is free, by a bind that does not share ports. @returns true or refused.
  static Result<bool> probe(const std::string& host, std::uint16_t port);
  void start();
  void stop();
  std::uint16_t port() const;

 private:
  Listener(Worker& worker, OnAccept on_accept);
  void accept_next();
  bool accept_waiting();

  Worker& worker_;
  boost::asio::ip::tcp::acceptor acceptor_;
  OnAccept on_accept_;
  DeadlineTimer rest_;
};

}  // namespace portcullis::net

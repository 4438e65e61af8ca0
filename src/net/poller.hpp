#pragma once
#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace portcullis::net {

/// Something with a socket that is told when the socket's state has changed.
class Pollable {
 public:
  /// `events` are those of epoll(7). Edges: each is told once. May destroy this and other items.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

/// Edge-triggered readiness of the connections of one worker: an epoll set of our own inside
/// asio's.
///
/// asio tries each read before it waits for it, which is one failed system call for each message of
/// a keep-alive connection, and it does not tell when a peer closes while nobody reads. Here a
/// connection knows from the events alone whether a read can succeed and whether its peer is still
/// there.
///
/// Threads: one per worker, used on its thread only.
/// Cost:    two system calls more for each turn of the loop (not each event); a turn takes up to
///          128 events.
/// Source:  epoll(7), "Questions and answers" 9: a read that returns less than was asked has
///          drained the socket, and the next edge is told. EPOLLRDHUP tells an end behind data.
class Poller {
 public:
  explicit Poller(boost::asio::io_context& context);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// From now on `item` hears of `descriptor`, the present state first. False: the kernel refused.
  bool add(int descriptor, Pollable& item);
  /// `item` hears nothing any more, not even of events that were already fetched. The caller closes
  /// the descriptor next, which is what takes it out of the kernel's set.
  void remove(const Pollable& item);

 private:
  void wait();
  void dispatch();

  boost::asio::posix::stream_descriptor set_;
  std::array<epoll_event, 128> events_;
  std::span<epoll_event> left_;  ///< fetched, not yet told
  std::size_t items_ = 0;
  bool waiting_ = false;
};

}  // namespace portcullis::net

#include "net/poller.hpp"

#include <stdexcept>

namespace portcullis::net {
namespace {

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::runtime_error("epoll_create1 failed");
  return set;
}

}  // namespace

Poller::Poller(boost::asio::io_context& context) : set_(context, make_set()) {}

bool Poller::add(int descriptor, Pollable& item) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &item;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
  ++items_;
  wait();
  return true;
}

void Poller::remove(const Pollable& item) {
  for (auto& event : left_) {
    if (event.data.ptr == &item) event.data.ptr = nullptr;
  }
  if (--items_ == 0) set_.cancel();  // an event loop without connections may come to its end
}

void Poller::wait() {
  if (waiting_ || items_ == 0) return;
  waiting_ = true;
  set_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                  [this](const boost::system::error_code& error) {
                    waiting_ = false;
                    if (!error) dispatch();
                    wait();
                  });
}

void Poller::dispatch() {
  const int n =
      ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  if (n <= 0) return;
  left_ = std::span(events_).first(static_cast<std::size_t>(n));
  while (!left_.empty()) {
    const epoll_event event = left_.front();
    left_ = left_.subspan(1);
    if (event.data.ptr != nullptr) static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace portcullis::net

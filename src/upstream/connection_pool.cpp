#include "upstream/connection_pool.hpp"

#include <algorithm>

namespace portcullis::upstream {
namespace {

constexpr std::size_t kMaxWaiters = 1024;
constexpr Milliseconds kSurelyAlive{10};
constexpr Milliseconds kSweepEvery{500};

}  // namespace

/// Waits until a connection may be opened, or in vain.
class ConnectionPool::Turn {
 public:
  Turn(ConnectionPool& pool, Milliseconds patience)
      : pool_(pool),
        timer_(pool.worker_.deadlines(), &Turn::on_timeout, this),
        patience_(patience) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter_.handle = handle;
    pool_.waiters_.push_back(&waiter_);
    timer_.arm(patience_);
  }
  bool await_resume() noexcept {
    timer_.disarm();
    return waiter_.granted;
  }

 private:
  static void on_timeout(void* self) {
    auto& turn = *static_cast<Turn*>(self);
    std::erase(turn.pool_.waiters_, &turn.waiter_);
    turn.waiter_.handle.resume();
  }
  ConnectionPool& pool_;
  Waiter waiter_;
  net::DeadlineTimer timer_;
  Milliseconds patience_;
};

ConnectionPool::ConnectionPool(net::Worker& worker, Options options,
                               std::atomic<std::size_t>& open_gauge)
    : worker_(worker),
      options_(std::move(options)),
      open_gauge_(open_gauge),
      sweep_(worker.deadlines(), &on_sweep, this) {}

ConnectionPool::~ConnectionPool() { open_gauge_ -= open_; }

Task<Result<ConnectionPool::Lease>> ConnectionPool::acquire() {
  while (true) {
    while (!idle_.empty()) {
      Idle last = std::move(idle_.back());
      idle_.pop_back();
      const auto idle_for = worker_.clock().coarse() - last.since;
      // Looking costs a system call, and one that was in use a moment ago is no likelier to be dead
      // than one that was just looked at.
      const bool alive =
          idle_for < kSurelyAlive || (idle_for < options_.idle_time && last.stream->looks_idle());
      if (alive) co_return Lease{std::move(last.stream), true};
      last.stream->close();
      forget_one();
    }
    if (open_ < options_.max_open) break;
    if (waiters_.size() >= kMaxWaiters) {
      co_return fail(ErrorCode::exhausted, "too many calls wait for a connection",
                     ErrorOrigin::gateway, Retry::safe);
    }
    if (!co_await Turn(*this, options_.connect_timeout)) {
      co_return fail(ErrorCode::exhausted, "no connection became free in time",
                     ErrorOrigin::gateway, Retry::safe);
    }
  }
  ++open_;
  ++open_gauge_;
  auto stream = co_await net::connect(worker_, options_.target, options_.connect_timeout);
  if (!stream) {
    forget_one();
    co_return std::unexpected(std::move(stream).error());
  }
  co_return Lease{*std::move(stream), false};
}

void ConnectionPool::release(std::unique_ptr<net::Stream> stream, bool reusable) {
  if (!reusable) {
    stream->close();
    forget_one();
    return;
  }
  // Above max_idle they live until the next sweep: under load the next caller comes sooner.
  idle_.push_back({std::move(stream), worker_.clock().coarse()});
  if (!sweep_.is_armed()) sweep_.arm(kSweepEvery);
  if (waiters_.empty()) return;
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->granted = true;
  worker_.resume_later(next->handle);
}

void ConnectionPool::forget_one() {
  --open_;
  --open_gauge_;
  if (waiters_.empty()) return;
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->granted = true;
  worker_.resume_later(next->handle);
}

void ConnectionPool::on_sweep(void* self) {
  auto& pool = *static_cast<ConnectionPool*>(self);
  const auto now = pool.worker_.clock().coarse();
  // The oldest idle ones stand in front.
  while (!pool.idle_.empty() && (pool.idle_.size() > pool.options_.max_idle ||
                                 now - pool.idle_.front().since >= pool.options_.idle_time)) {
    pool.idle_.front().stream->close();
    pool.idle_.erase(pool.idle_.begin());
    pool.forget_one();
  }
  if (!pool.idle_.empty()) pool.sweep_.arm(kSweepEvery);
}

}  // namespace portcullis::upstream

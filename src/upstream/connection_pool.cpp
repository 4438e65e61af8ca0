#include "upstream/connection_pool.hpp"

#include <algorithm>

namespace portcullis::upstream {
namespace {

constexpr std::size_t kMaxWaiters = 1024;
constexpr Milliseconds kSweepEvery{500};

}  // namespace

void ConnectionBudget::join(ConnectionPool& pool) {
  const std::lock_guard lock(mutex_);
  pools_.push_back(&pool);
}

void ConnectionBudget::leave(ConnectionPool& pool) {
  const std::lock_guard lock(mutex_);
  std::erase(pools_, &pool);
}

bool ConnectionBudget::take() noexcept {
  if (open_.fetch_add(1, std::memory_order_acq_rel) < max_) return true;
  open_.fetch_sub(1, std::memory_order_acq_rel);
  return false;
}

void ConnectionBudget::offer(const ConnectionPool& from) {
  const std::lock_guard lock(mutex_);
  for (ConnectionPool* pool : pools_) {
    if (pool == &from || pool->waiting_ == 0) continue;
    pool->worker_.post([to = pool->weak_from_this()] {
      if (const auto alive = to.lock()) alive->wake_one();
    });
    return;
  }
}

void ConnectionBudget::ask_for_place(const ConnectionPool& from) {
  const std::lock_guard lock(mutex_);
  for (ConnectionPool* pool : pools_) {
    if (pool == &from || pool->idle_count_ == 0) continue;
    pool->worker_.post([to = pool->weak_from_this()] {
      if (const auto alive = to.lock()) alive->close_one_idle();
    });
    return;
  }
}

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
    timer_.arm(patience_);
    pool_.begin_waiting(waiter_);
  }
  bool await_resume() noexcept {
    timer_.disarm();
    return waiter_.granted;
  }

 private:
  static void on_timeout(void* self) {
    auto& turn = *static_cast<Turn*>(self);
    // Whoever was woken in this very tick is on its way already.
    if (turn.pool_.stop_waiting(turn.waiter_)) turn.waiter_.handle.resume();
  }
  ConnectionPool& pool_;
  Waiter waiter_;
  net::DeadlineTimer timer_;
  Milliseconds patience_;
};

ConnectionPool::ConnectionPool(net::Worker& worker, Options options,
                               std::shared_ptr<ConnectionBudget> budget)
    : worker_(worker),
      options_(std::move(options)),
      budget_(std::move(budget)),
      sweep_(worker.deadlines(), &on_sweep, this) {
  budget_->join(*this);
}

ConnectionPool::~ConnectionPool() {
  budget_->leave(*this);
  for (std::size_t i = 0; i < open_; ++i) budget_->give_back();
}

Eventual<Result<ConnectionPool::Lease>> ConnectionPool::acquire() {
  if (auto kept = take_idle()) return Lease{std::move(kept), true};
  return open_new();
}

std::unique_ptr<net::Stream> ConnectionPool::take_idle() {
  while (!idle_.empty()) {
    Idle last = std::move(idle_.back());
    idle_.pop_back();
    idle_count_ = idle_.size();
    // An upstream that closes right after its answer must cost no visitor an error.
    const bool fresh = worker_.clock().coarse() - last.since < options_.idle_time;
    if (fresh && last.stream->looks_idle()) return std::move(last.stream);
    last.stream->close();
    forget_one();
  }
  return nullptr;
}

Task<Result<ConnectionPool::Lease>> ConnectionPool::open_new() {
  while (!budget_->take()) {
    if (waiters_.size() >= kMaxWaiters) {
      co_return fail(ErrorCode::exhausted, "too many calls wait for a connection",
                     ErrorOrigin::gateway, Retry::safe);
    }
    if (!co_await Turn(*this, options_.connect_timeout)) {
      co_return fail(ErrorCode::exhausted, "no connection became free in time",
                     ErrorOrigin::gateway, Retry::safe);
    }
    if (auto kept = take_idle()) co_return Lease{std::move(kept), true};
  }
  ++open_;
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
  idle_count_ = idle_.size();
  if (!sweep_.is_armed()) sweep_.arm(kSweepEvery);
  // A place that somebody on another worker waits for is worth more than a warm connection here.
  // Whoever begins to wait after this look finds the idle one and asks for it.
  if (!wake_one() && budget_->waiting_ > 0) close_one_idle();
}

void ConnectionPool::forget_one() {
  --open_;
  budget_->give_back();
  if (!wake_one()) budget_->offer(*this);
}

void ConnectionPool::begin_waiting(Waiter& waiter) {
  waiters_.push_back(&waiter);
  ++waiting_;
  ++budget_->waiting_;
  // Only now: a place that was given back before somebody could see us wait would be missed.
  budget_->ask_for_place(*this);
  if (budget_->open() < budget_->max_) wake_one();
}

bool ConnectionPool::stop_waiting(Waiter& waiter) {
  if (std::erase(waiters_, &waiter) == 0) return false;
  --waiting_;
  --budget_->waiting_;
  return true;
}

bool ConnectionPool::wake_one() {
  if (waiters_.empty()) return false;
  Waiter* next = waiters_.front();
  stop_waiting(*next);
  next->granted = true;
  worker_.resume_later(next->handle);
  return true;
}

void ConnectionPool::close_one_idle() {
  if (idle_.empty()) return;
  idle_.front().stream->close();
  idle_.erase(idle_.begin());
  idle_count_ = idle_.size();
  forget_one();
}

void ConnectionPool::close_idle() {
  while (!idle_.empty()) close_one_idle();
  sweep_.disarm();
}

void ConnectionPool::on_sweep(void* self) {
  auto& pool = *static_cast<ConnectionPool*>(self);
  const auto now = pool.worker_.clock().coarse();
  // The oldest idle ones stand in front.
  while (!pool.idle_.empty() && (pool.idle_.size() > pool.options_.max_idle ||
                                 now - pool.idle_.front().since >= pool.options_.idle_time)) {
    pool.close_one_idle();
  }
  if (!pool.idle_.empty()) pool.sweep_.arm(kSweepEvery);
}

}  // namespace portcullis::upstream

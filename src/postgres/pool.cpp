#include "postgres/pool.hpp"

#include <algorithm>

namespace portcullis::postgres {
namespace {

/// A firewall between forgets silent connections without a word; few do so early.
constexpr Seconds kIdleAtMost{60};
constexpr Milliseconds kRest{200};

}  // namespace

Result<Pool::Lease> Pool::take(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (auto session = take_idle(lock)) return Lease(*this, std::move(session), true);
    if (away_ && (looking_ || Clock::system().monotonic() < rest_until_)) {
      return std::unexpected(*away_);
    }
    if (open_ < options_.connections) return connect(lock, deadline);
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      return fail(ErrorCode::exhausted, "all connections are in use", ErrorOrigin::gateway,
                  Retry::safe);
    }
  }
}

std::unique_ptr<Session> Pool::take_idle(std::unique_lock<std::mutex>& lock) {
  while (!idle_.empty()) {
    auto last = std::move(idle_.back());
    idle_.pop_back();
    if (Clock::system().monotonic() - last.since < kIdleAtMost && last.session->is_quiet()) {
      return std::move(last.session);
    }
    --open_;
    lock.unlock();
    last.session.reset();
    lock.lock();
  }
  return nullptr;
}

Result<Pool::Lease> Pool::connect(std::unique_lock<std::mutex>& lock, MonotonicTime deadline) {
  ++open_;
  looking_ = true;
  lock.unlock();
  const auto patience = Clock::system().monotonic() + options_.connect_timeout;
  auto opened = Session::open(options_, std::min(deadline, patience));
  lock.lock();
  looking_ = false;
  changed_.notify_all();
  if (!opened) {
    --open_;
    away_ = opened.error();
    rest_until_ = Clock::system().monotonic() + kRest;
    return std::unexpected(opened.error());
  }
  away_.reset();
  return Lease(*this, *std::move(opened), false);
}

void Pool::give_back(std::unique_ptr<Session> session) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back({std::move(session), Clock::system().monotonic()});
  }
  changed_.notify_one();
}

void Pool::close(std::unique_ptr<Session> session) {
  session.reset();
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  changed_.notify_one();
}

void Pool::mark_away(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    away_ = error;
  }
  drop_idle();
}

void Pool::drop_idle() {
  std::vector<Idle> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(idle_);
    open_ -= static_cast<unsigned>(dropped.size());
  }
  dropped.clear();
  changed_.notify_all();
}

}  // namespace portcullis::postgres

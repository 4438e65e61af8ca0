#include "net/background.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cassert>
#include <system_error>

namespace portcullis::net {
namespace {

constexpr std::size_t kMaxNameBytes = 15;  // pthread_setname_np

/// What fails here leaves the call at normal priority, which costs others time and nothing else.
void become_idle() {
#ifdef SCHED_IDLE
  const sched_param none{};
  (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
#endif
}

}  // namespace

unsigned Background::half_of_cores() noexcept {
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

Background::Background(Options options) : options_(std::move(options)) {
  assert(options_.threads > 0 && options_.queue > 0);
  threads_.reserve(options_.threads);
  for (unsigned i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { serve(); });
}

bool Background::submit(Job& job, std::coroutine_handle<> waiter) {
  job.worker_ = Worker::current();
  job.waiter_ = waiter;
  assert(job.worker_ != nullptr);
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) {
      job.fail({.code = ErrorCode::cancelled, .detail = options_.name + " has been stopped"});
      return false;
    }
    if (load_.waiting == options_.queue) {
      job.fail({.code = ErrorCode::exhausted,
                .retry = Retry::safe,
                .detail = "too many calls wait for " + options_.name});
      return false;
    }
    (last_ == nullptr ? first_ : last_->next_) = &job;
    last_ = &job;
    ++load_.waiting;
  }
  changed_.notify_one();
  return true;
}

Background::Job* Background::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || first_ != nullptr; });
  if (stopped_) return nullptr;
  Job* const job = std::exchange(first_, first_->next_);
  if (first_ == nullptr) last_ = nullptr;
  --load_.waiting;
  ++load_.running;
  return job;
}

void Background::serve() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, kMaxNameBytes).c_str());
  while (Job* const job = take()) {
    execute(*job);
    {
      const std::scoped_lock lock(mutex_);
      --load_.running;
    }
    hand_back(*job);
  }
}

void Background::execute(Job& job) const noexcept {
  if (options_.priority == Priority::normal) return job.execute();
  // A thread that has become idle may not become normal again, and one that is idle may be left
  // lying while it holds the lock of a queue or of a worker. So the call has a thread of its own,
  // and those that take calls and hand them back stay normal.
  try {
    std::thread([&job] {
      become_idle();
      job.execute();
    }).join();
  } catch (const std::system_error& error) {
    job.fail({.code = ErrorCode::exhausted, .retry = Retry::safe, .detail = error.what()});
  }
}

void Background::hand_back(Job& job) {
  // The job may be gone as soon as its waiter runs.
  job.worker_->post([waiter = job.waiter_] { waiter.resume(); });
}

void Background::stop() {
  Job* waiting = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    waiting = std::exchange(first_, nullptr);
    last_ = nullptr;
    load_.waiting = 0;
  }
  changed_.notify_all();
  while (waiting != nullptr) {
    Job& job = *std::exchange(waiting, waiting->next_);
    job.fail({.code = ErrorCode::cancelled, .detail = options_.name + " has been stopped"});
    hand_back(job);
  }
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Background::Load Background::load() const {
  const std::scoped_lock lock(mutex_);
  return load_;
}

}  // namespace portcullis::net

#include "net/worker.hpp"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <string>

#include "observe/metrics.hpp"

namespace portcullis::net {
namespace {

thread_local Worker* this_worker = nullptr;

}  // namespace

Worker* Worker::current() noexcept { return this_worker; }

void Worker::post(std::move_only_function<void()> work) {
  boost::asio::post(context_, [work = std::move(work)]() mutable { work(); });
}

void Worker::resume_later(std::coroutine_handle<> waiter) {
  boost::asio::post(context_, [waiter] { waiter.resume(); });
}

void Worker::run() {
  observe::set_metric_shard(index_ + 1);  // shard 0 is everybody else's
  this_worker = this;
  const std::string name = "worker-" + std::to_string(index_);
  pthread_setname_np(pthread_self(), name.c_str());
  const auto guard = boost::asio::make_work_guard(context_);
  context_.run();
  this_worker = nullptr;
}

void Worker::stop() { context_.stop(); }

}  // namespace portcullis::net

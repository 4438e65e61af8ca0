#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "state/redis/redis_store.hpp"

namespace portcullis::state {

/// The connection on which this process hears what other nodes publish.
///
/// Threads:   its worker's, but for check() and stopped(); what is heard is told there.
/// Ownership: listen() before start(); stop(), wait for stopped(), destroy; the store outlives it.
/// Errors:    what is published while it is not connected does not arrive: `connected` says when
///            that may have been.
class Subscriber {
 public:
  using Heard = std::function<void(std::string_view payload)>;

  explicit Subscriber(RedisStore& store) : store_(store) {}

  /// `connected`: told each time that the channel is listened to (again).
  void listen(std::string channel, Heard heard, std::function<void()> connected);
  void start(net::Worker& worker, redis::ServerOptions server);
  void stop();
  bool stopped() const { return connection_ == nullptr || connection_->stopped(); }
  /// Every few seconds: sees to it that a connection that died without a word is noticed.
  void check();

 private:
  struct Channel {
    std::string name;
    Heard heard;
    std::function<void()> connected;
  };
  Task<Result<void>> subscribe(redis::Connection& connection);

  RedisStore& store_;
  std::vector<Channel> channels_;
  net::Worker* worker_ = nullptr;
  std::unique_ptr<redis::Connection> connection_;
};

}  // namespace portcullis::state

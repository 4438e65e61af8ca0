#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <thread>

#include "redis_cluster.hpp"
#include "redis_server.hpp"
#include "state/redis/redis_store.hpp"
#include "wait_until.hpp"

namespace portcullis::state {

inline SessionId session_of(int number) {
  SessionId id{};
  std::memcpy(id.data(), &number, sizeof(number));
  return id;
}

template <class T>
T value_of(const Eventual<T>&);
template <class T>
T value_of(const Task<T>&);

/// A worker on a thread of its own with a store on it.
class Node {
 public:
  explicit Node(RedisStoreOptions options, RedisStore::Hooks hooks = {})
      : store(std::move(options), std::move(hooks)), thread_([this] { worker.run(); }) {
    store.start({&worker});
    EXPECT_TRUE(wait_until([&] { return store.settled(); }));
  }
  ~Node() {
    store.stop();
    EXPECT_TRUE(wait_until([&] { return store.stopped(); }));
    worker.stop();
    thread_.join();
  }

  /// What a call yields; a second and a half at most.
  template <class Call>
  auto operator()(Call call) {
    using T = decltype(value_of(call(store)));
    std::promise<T> promise;
    auto future = promise.get_future();
    worker.post([&] { spawn(run<T>(call(store), promise)); });
    return future.get();
  }
  bool up() {
    std::promise<bool> promise;
    worker.post([&] { promise.set_value(store.up()); });
    return promise.get_future().get();
  }

  net::Worker worker{0};
  RedisStore store;

 private:
  template <class T, class Eventually>
  static Task<void> run(Eventually eventual, std::promise<T>& promise) {
    promise.set_value(co_await eventual);
  }
  std::thread thread_;
};

/// Tests of a store, each with keys of its own on one server.
class RedisStoreFixture : public testing::Test {
 protected:
  RedisStoreOptions options(std::uint16_t port) {
    RedisStoreOptions out;
    out.server.seeds = {{"127.0.0.1", port, nullptr}};
    out.server.deadline = Milliseconds{2000};
    out.prefix = std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ":";
    out.clock = &clock_;
    return out;
  }
  NewMessage message_of(int session, std::string id, std::string text, std::string client_id = "") {
    NewMessage out;
    out.session = session_of(session);
    out.session_created = clock_.wall();
    out.message = {Message::Role::user, std::move(id), std::move(text), clock_.wall(),
                   std::move(client_id)};
    return out;
  }
  BeginOutcome begin(Node& node, NewMessage message) {
    auto outcome = node([&](Store& s) { return s.begin_message(message); });
    EXPECT_TRUE(outcome) << outcome.error().detail;
    return outcome.value_or(BeginOutcome{});
  }
  AdmitAnswer admit(Node& node, const AdmitRequest& request) {
    auto answer = node([&](Store& s) { return s.admit(request); });
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer.value_or(AdmitAnswer{});
  }

  ManualClock clock_;
};

}  // namespace portcullis::state

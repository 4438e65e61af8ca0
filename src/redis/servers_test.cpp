#include "redis/servers.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "proves.hpp"
#include "redis_cluster.hpp"
#include "wait_until.hpp"

namespace portcullis::redis {
namespace {

/// Servers on a worker's thread of their own.
class Client {
 public:
  explicit Client(std::vector<net::Target> seeds, Servers::Hooks hooks = {})
      : servers(worker, options_of(std::move(seeds)),
                {std::move(hooks.prepare),
                 [this](bool up, const std::string& reason) {
                   const std::lock_guard lock(mutex_);
                   if (up) ++ups_;
                   if (!up && !reason.empty()) reason_ = reason;
                 }}),
        thread_([this] { worker.run(); }) {
    worker.post([this] { servers.start(); });
    EXPECT_TRUE(wait_until([&] { return servers.settled(); }));
  }
  ~Client() {
    worker.post([this] { servers.stop(); });
    EXPECT_TRUE(wait_until([&] { return servers.stopped(); }));
    worker.stop();
    thread_.join();
  }

  /// The reply as text; of an error of ours its detail.
  std::string ask(const std::string& key, std::vector<std::string_view> words) {
    std::promise<std::string> promise;
    worker.post([&] { spawn(ask_there(key, words, promise)); });
    return promise.get_future().get();
  }
  int ups() const {
    const std::lock_guard lock(mutex_);
    return ups_;
  }
  std::string reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

  net::Worker worker{0};
  Servers servers;

 private:
  static ServerOptions options_of(std::vector<net::Target> seeds) {
    ServerOptions out;
    out.seeds = std::move(seeds);
    out.deadline = Milliseconds{2000};
    return out;
  }
  Task<void> ask_there(const std::string& key, std::span<const std::string_view> words,
                       std::promise<std::string>& promise) {
    const auto reply = co_await servers.ask(key, words);
    promise.set_value(reply ? std::string(reply->text()) : reply.error().detail);
  }

  mutable std::mutex mutex_;
  int ups_ = 0;
  std::string reason_;
  std::thread thread_;
};

net::Target at(std::uint16_t port) { return {"127.0.0.1", port, nullptr}; }

TEST(RedisSlots, AreThoseOfTheSpecification) {
  EXPECT_EQ(Servers::slot_of("123456789"), 0x31C3U);
  EXPECT_EQ(Servers::slot_of("foo"), 12'182U);
  EXPECT_EQ(Servers::slot_of("{user1000}.following"), Servers::slot_of("user1000"));
  EXPECT_EQ(Servers::slot_of("foo{bar}{zap}"), Servers::slot_of("bar"));
  EXPECT_EQ(Servers::slot_of("foo{{bar}}zap"), Servers::slot_of("{bar"));
  EXPECT_NE(Servers::slot_of("foo{}{bar}"), Servers::slot_of("bar")) << "nothing between braces";
  EXPECT_NE(Servers::slot_of("foo{bar"), Servers::slot_of("bar"));
}

class RedisClusterTest : public testing::Test {
 protected:
  static constexpr const char* kKey = "moving";
  int slot() const { return static_cast<int>(Servers::slot_of(kKey)); }
  std::string slot_text(const std::string& rest) const {
    return "CLUSTER SETSLOT " + std::to_string(slot()) + " " + rest;
  }

  RedisCluster cluster_;
};

TEST_F(RedisClusterTest, FindsAllMastersThroughOneAndAsksWhoHasTheKey) {
  PROVES("F103");
  Client client({at(cluster_[2].port())});
  ASSERT_TRUE(client.servers.up());
  EXPECT_TRUE(client.servers.is_cluster());
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key" + std::to_string(i);
    EXPECT_EQ(client.ask(key, {"SET", key, "v"}), "OK");
    EXPECT_EQ(client.ask(key, {"GET", key}), "v");
  }
  for (int i = 0; i < 3; ++i) EXPECT_NE(cluster_.say(i, "DBSIZE"), ":0\r\n") << i;
}

TEST_F(RedisClusterTest, GoesOnWhereTheFirstSeedIsDead) {
  const auto dead = RedisServer::free_port();
  Client client({at(dead), at(cluster_[0].port())});
  ASSERT_TRUE(wait_until([&] { return client.servers.up(); }));
  EXPECT_EQ(client.ask("a", {"SET", "a", "v"}), "OK");
}

TEST_F(RedisClusterTest, FollowsASlotThatIsOnItsWayAndThatHasMoved) {
  Client client({at(cluster_[0].port())});
  const int from = cluster_.master_of(slot());
  const int to = cluster_.join();
  ASSERT_EQ(client.ask(kKey, {"SET", kKey, "before"}), "OK");
  cluster_.say(to, slot_text("IMPORTING " + cluster_.id(from)));
  cluster_.say(from, slot_text("MIGRATING " + cluster_.id(to)));
  EXPECT_EQ(client.ask(kKey, {"GET", kKey}), "before") << "it has not left yet";
  cluster_.say(from,
               "MIGRATE 127.0.0.1 " + std::to_string(cluster_[to].port()) + " " + kKey + " 0 1000");
  EXPECT_EQ(client.ask(kKey, {"GET", kKey}), "before") << "asked for at its new place, once";
  EXPECT_EQ(client.ask(kKey, {"SET", kKey, "after"}), "OK");
  for (int i : {to, from, (from + 1) % 3, (from + 2) % 3}) {
    cluster_.say(i, slot_text("NODE " + cluster_.id(to)));
  }
  EXPECT_EQ(client.ask(kKey, {"GET", kKey}), "after");
  EXPECT_NE(cluster_.say(to, std::string("GET ") + kKey).find("after"), std::string::npos);
  EXPECT_EQ(client.ask("other", {"SET", "other", "v"}), "OK");
  EXPECT_TRUE(client.servers.up());
}

TEST_F(RedisClusterTest, IsDownWithoutOneOfItsMastersAndComesBackWithIt) {
  PROVES("F103");
  std::atomic<int> prepared{0};
  Client client({at(cluster_[0].port())}, {[&](Servers&) -> Task<Result<void>> {
                                             ++prepared;
                                             co_return Result<void>{};
                                           },
                                           nullptr});
  ASSERT_TRUE(client.servers.up());
  cluster_[1].kill();
  ASSERT_TRUE(wait_until([&] { return !client.servers.up(); }));
  cluster_[1].start();
  ASSERT_TRUE(wait_until([&] { return client.servers.up(); }));
  EXPECT_EQ(client.ups(), 2);
  EXPECT_GE(prepared, 2) << "each time before anybody uses it";
}

TEST_F(RedisClusterTest, IsDownWhileTheClusterSaysSo) {
  Client client({at(cluster_[0].port())});
  ASSERT_TRUE(client.servers.up());
  // All three are connected, and nobody has this slot.
  for (int i = 0; i < 3; ++i) cluster_.say(i, "CLUSTER DELSLOTS " + std::to_string(slot()));
  EXPECT_NE(client.ask(kKey, {"GET", kKey}).find("CLUSTERDOWN"), std::string::npos);
  EXPECT_FALSE(client.servers.up());
  EXPECT_NE(client.reason().find("CLUSTERDOWN"), std::string::npos) << client.reason();
  cluster_.say(0, "CLUSTER ADDSLOTS " + std::to_string(slot()));
  ASSERT_TRUE(wait_until([&] { return client.servers.up(); }));
  ASSERT_TRUE(wait_until([&] { return client.ask(kKey, {"SET", kKey, "v"}) == "OK"; }));
}

TEST(RedisServers, OneByItselfIsNoCluster) {
  RedisServer server;
  Client client({at(server.port())});
  EXPECT_TRUE(client.servers.up());
  EXPECT_FALSE(client.servers.is_cluster());
  EXPECT_EQ(client.ask("a", {"SET", "a", "v"}), "OK");
}

TEST(RedisServers, SeveralThatAreNoClusterAreRefused) {
  RedisServer one;
  RedisServer two;
  Client client({at(one.port()), at(two.port())});
  EXPECT_FALSE(client.servers.up());
  EXPECT_NE(client.reason().find("cluster support disabled"), std::string::npos) << client.reason();
}

TEST(RedisServers, OneThatTakesNothingAnyMoreIsDown) {
  RedisServer server;
  Client client({at(server.port())},
                {[&](Servers& servers) -> Task<Result<void>> {
                   const std::array<std::string_view, 3> words{"SET", "a", "v"};
                   const auto reply = co_await servers.ask("a", words);
                   if (!reply) co_return std::unexpected(reply.error());
                   if (reply->is_error()) {
                     co_return fail(ErrorCode::unavailable, std::string(reply->text()));
                   }
                   co_return Result<void>{};
                 },
                 nullptr});
  ASSERT_TRUE(client.servers.up());
  server.say("CONFIG SET maxmemory 1");
  EXPECT_NE(client.ask("a", {"SET", "a", "w"}).find("OOM"), std::string::npos);
  EXPECT_FALSE(client.servers.up());
  server.say("CONFIG SET maxmemory 0");
  ASSERT_TRUE(wait_until([&] { return client.servers.up(); }));
}

}  // namespace
}  // namespace portcullis::redis

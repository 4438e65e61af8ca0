#pragma once
#include <memory>

#include "redis_server.hpp"
#include "wait_until.hpp"

namespace portcullis {

/// A Redis Cluster of a test's own: masters on free ports of loopback that share the slots evenly.
class RedisCluster {
 public:
  static constexpr int kSlots = 16'384;

  explicit RedisCluster(int masters = 3) {
    for (int i = 0; i < masters; ++i) add();
    for (int i = 0; i < masters; ++i) {
      say(i, "CLUSTER SET-CONFIG-EPOCH " + std::to_string(i + 1));
      say(i, "CLUSTER ADDSLOTSRANGE " + std::to_string(first_slot(i)) + " " +
                 std::to_string(first_slot(i + 1) - 1));
      if (i > 0) meet(i);
    }
    await_all(masters);
  }

  RedisServer& operator[](int i) { return *servers_[static_cast<std::size_t>(i)]; }
  int size() const { return static_cast<int>(servers_.size()); }

  /// A further member without slots. @returns its number.
  int join() {
    add();
    meet(size() - 1);
    await_all(size());
    return size() - 1;
  }
  std::string id(int i) const {
    const auto reply = say(i, "CLUSTER MYID");
    const auto begin = reply.find('\n') + 1;
    return reply.substr(begin, 40);
  }
  /// What a member answers to an inline command.
  std::string say(int i, const std::string& command) const {
    return servers_[static_cast<std::size_t>(i)]->say(command);
  }
  int master_of(int slot) const {
    for (int i = 0; i < kFounders; ++i) {
      if (slot < first_slot(i + 1)) return i;
    }
    return kFounders - 1;
  }

 private:
  static constexpr int kFounders = 3;
  static int first_slot(int i) { return kSlots * i / kFounders; }

  void await_all(int members) const {
    if (!wait_until([&] { return all_know(members); })) {
      throw std::runtime_error("the cluster does not form");
    }
  }
  bool all_know(int members) const {
    for (int i = 0; i < size(); ++i) {
      const auto info = say(i, "CLUSTER INFO");
      const auto known = "cluster_known_nodes:" + std::to_string(members) + "\r";
      if (info.find("cluster_state:ok") == std::string::npos) return false;
      if (info.find(known) == std::string::npos) return false;
    }
    return true;
  }
  void add() {
    // The bus has a port of its own, which by default lies beyond the range of free ones.
    servers_.push_back(std::make_unique<RedisServer>(
        std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-node-timeout", "3000",
                                 "--cluster-port", std::to_string(RedisServer::free_port())}));
  }
  void meet(int i) {
    say(i, "CLUSTER MEET 127.0.0.1 " + std::to_string(servers_[0]->port()) + " " +
               std::to_string(servers_[0]->bus_port()));
  }

  std::vector<std::unique_ptr<RedisServer>> servers_;
};

}  // namespace portcullis

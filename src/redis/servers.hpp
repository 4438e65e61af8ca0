#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/connection.hpp"

namespace portcullis::redis {

/// What a worker's commands go to: one server, or the masters of a Redis Cluster, each over a
/// connection of its own. Which of both it is, the first server that answers says.
///
/// In a cluster the slot map is read from any member, and read again when a server says that a key
/// has moved, or while a master is missing. Nothing is asked of replicas. It is up while every slot
/// has a master that is connected: state of which a part is missing would be two truths at a time.
///
/// Threads:   its worker's, but for up(), settled() and stopped().
/// Ownership: stop(), then wait for stopped(), then destroy.
/// Bounds:    kMostNodes connections; kMostHops redirections of a command.
/// Errors:    those of Connection; unavailable where no server has the key.
/// Source:    Redis Cluster specification (slots, MOVED, ASK), CLUSTER SLOTS of Redis 7.
class Servers {
 public:
  static constexpr unsigned kSlots = 16'384;
  static constexpr std::size_t kMostNodes = 1000;
  static constexpr int kMostHops = 4;

  struct Hooks {
    /// Called each time that all is connected, before up() says so; an Error puts it off.
    std::function<Task<Result<void>>(Servers&)> prepare;
    /// Called when it has come up, when it goes down, and for each try that failed.
    std::function<void(bool up, const std::string& reason)> changed;
  };

  Servers(net::Worker& worker, ServerOptions options, Hooks hooks);
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  void start();
  void stop();
  bool up() const noexcept { return up_.load(std::memory_order_acquire); }
  /// Whether the first try to connect is over.
  bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }
  bool is_cluster() const noexcept { return cluster_; }

  /// Sends a command to who has `key`, and after it where it is redirected. All keys of it must lie
  /// in one slot. `key` and `words` outlive the call.
  Task<Result<Reply>> ask(std::string_view key, std::span<const std::string_view> words);

  /// Any server: one that is connected, or else another one of the seeds each time.
  net::Target any();

  /// The slot of a key: of what stands between its first braces, where there is anything.
  static unsigned slot_of(std::string_view key) noexcept;

 private:
  struct Node {
    net::Target target;
    bool seed = false;
    bool serves = false;           ///< has slots
    MonotonicTime wanted_until{};  ///< a command was redirected there
    std::unique_ptr<Connection> connection;
  };
  /// Slots up to `last`, from where the range before ends.
  struct Range {
    unsigned last = 0;
    Node* node = nullptr;
  };

  Node& node_at(const std::string& host, std::uint16_t port);
  Node* serving(std::string_view key);
  Task<Result<void>> look_round(Connection& connection, const std::string& host);
  Result<void> learn(const Reply& slots, const std::string& host);
  Task<void> refresh();
  Task<void> come_up();
  Task<void> end();
  Task<bool> wait_for(Node& node);
  bool whole() const;
  void update(const std::string& reason);
  void go_down(const std::string& reason);
  void discard_unused();
  static void on_retry(void* self);

  net::Worker& worker_;
  const ServerOptions options_;
  const Hooks hooks_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Node>> leaving_;
  std::vector<Range> ranges_;  ///< ascending, without gaps; empty: not known
  bool cluster_ = false;
  bool refreshing_ = false;
  bool preparing_ = false;
  bool stopping_ = false;
  std::size_t waiting_ = 0;  ///< commands that wait for a connection
  std::size_t next_seed_ = 0;
  net::DeadlineTimer retry_;
  std::atomic<bool> up_{false};
  std::atomic<bool> settled_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace portcullis::redis

#pragma once
#include <atomic>
#include <string>

#include "state/block_table.hpp"
#include "state/redis/subscriber.hpp"

namespace portcullis::state {

/// Keeps the tables of blocked addresses of all nodes alike. A block that is made here is written
/// to Redis and told to the others by publish/subscribe; whoever connects (again) reads all that
/// last and tells its own, so that what was made while Redis was away is not lost.
///
/// Threads:   made() any worker; the rest on the worker that it runs on.
/// Ownership: the subscriber, table and store outlive it.
/// Bounds:    `max_blocks` are kept in Redis; of more, further ones stay with their node.
class BlockNews {
 public:
  BlockNews(RedisStore& store, Subscriber& subscriber, BlockTable& table, std::size_t max_blocks);

  /// Where it reads and tells from now on.
  void start(net::Worker& worker) { worker_ = &worker; }
  /// A block of this node's: tells the others. On a worker.
  void made(const IpAddress& network, const Block& block);
  /// Reads all blocks there are and tells those of this node: what was made while Redis was away
  /// reached nobody.
  void renew();
  /// Every few seconds: makes good what could not be read or told.
  void check();

  static std::string text_of(const Block& block);
  static std::optional<Block> parse(std::string_view text);

 private:
  std::string name(std::string_view kind) const { return store_.single_key("blocks", kind); }
  Task<void> exchange_all();
  Task<bool> tell(IpAddress network, Block block);
  void learn(std::string_view network, std::string_view block);

  RedisStore& store_;
  BlockTable& table_;
  const std::size_t max_blocks_;
  std::atomic<bool> behind_{false};  ///< something was not read, or not told
  net::Worker* worker_ = nullptr;
};

}  // namespace portcullis::state

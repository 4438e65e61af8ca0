#pragma once
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"

namespace portcullis::state {

/// Why an address may not come in, and until when.
struct Block {
  enum class By : std::uint8_t { rule, operator_ };
  WallTime since;
  WallTime until;
  By by = By::rule;
  std::string reason;          ///< for operators; no text of visitors
  std::uint32_t offences = 0;  ///< blocks so far, each twice as long as the one before
};

/// The addresses that are blocked for a time; IPv6 by /64.
///
/// Threads: any. Nobody blocked costs one load.
/// Bounds:  `capacity` addresses. What is no longer blocked gives way first; where all are, a new
///          block is not kept (`refused()` counts it): a flood of new addresses frees nobody.
///          Offences are forgotten kMemory after their block.
class BlockTable {
 public:
  static constexpr Seconds kLongest{24 * 3600};
  static constexpr Seconds kMemory{24 * 3600};

  explicit BlockTable(std::size_t capacity, const Clock& clock = Clock::system())
      : capacity_(capacity), clock_(clock) {}

  /// A rule blocks this address: for `first`, and for twice as long as the time before where it was
  /// blocked already, up to kLongest. A block that lasts is left as it is.
  /// @returns the block; nullopt where there is no room.
  std::optional<Block> offend(const IpAddress& address, Seconds first, std::string_view reason);
  /// An operator blocks this address until then, whatever was decided before; a time that is not
  /// to come lifts its block. @returns the block; nullopt where there is no room.
  std::optional<Block> impose(const IpAddress& address, WallTime until, std::string_view reason);
  /// What another node has decided. It counts where supersedes() says so.
  void learn(const IpAddress& network, const Block& block);
  /// Whether a decision replaces the one that is known: of two operators' the later one; of two
  /// rules' the one that lasts longer; a rule's only what no operator has decided since, and no
  /// block of an operator's that lasts.
  static bool supersedes(const Block& fresh, const Block& known, WallTime now) noexcept;
  /// Calls `made` with each decision that is made here, on the thread that made it.
  /// REQUIRES: before the first block.
  using Made = std::function<void(const IpAddress& network, const Block& block)>;
  void on_made(Made made) { made_ = std::move(made); }
  /// Those that last now, by address.
  std::vector<std::pair<IpAddress, Block>> lasting() const;
  /// Beside these what operators have lifted lately: all that other nodes should know.
  std::vector<std::pair<IpAddress, Block>> decided() const;
  /// The block of this address that lasts now.
  std::optional<Block> find(const IpAddress& address) const;
  /// Addresses that are blocked now.
  std::size_t size() const;
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  Block* place_of(const IpAddress& network, WallTime now);
  bool make_room(WallTime now);

  const std::size_t capacity_;
  const Clock& clock_;
  Made made_;
  mutable std::shared_mutex mutex_;
  boost::unordered_flat_map<IpAddress, Block, std::hash<IpAddress>> blocks_;
  WallTime swept_;  ///< when those that are over were looked for
  std::atomic<std::size_t> kept_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace portcullis::state

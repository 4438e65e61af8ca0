#pragma once
#include <memory>

#include "pipeline/guard.hpp"

namespace portcullis::guards {

/// Where blocked addresses are kept; an implementation with expiry and reasons takes this place.
class BlockList {
 public:
  virtual ~BlockList() = default;
  /// Seconds that the block of this address still lasts; 0: not blocked.
  virtual std::int64_t remaining(const IpAddress& address) const noexcept = 0;
};

/// Refuses blocked addresses before anything else is looked at. Null: nobody is blocked.
std::unique_ptr<pipeline::Guard> make_blocks_guard(const BlockList* blocks);

}  // namespace portcullis::guards

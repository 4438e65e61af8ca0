#pragma once
#include <cstdint>

#include "base/clock.hpp"

namespace portcullis {

/// Who has sent the messages of a session: its owner, and everybody else who presented it. The
/// store keeps it, and guards judge by it. No one's part is ever overwritten by what the other
/// does.
struct SessionUse {
  /// What counts as the beginning of a session.
  static constexpr Seconds kEarly{3600};

  WallTime owner_active;  ///< the owner's last message; the epoch where there is none
  WallTime others_active;
  std::uint64_t others_network = 0;  ///< where that one came from: a keyed hash
  std::uint32_t owner_early = 0;     ///< messages in the beginning
  std::uint32_t others_early = 0;
};

}  // namespace portcullis

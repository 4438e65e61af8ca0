#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"

namespace portcullis::guards {

/// The room for bodies that are long for what was sent of them, or may be: forms with files, and
/// those that came packed. They stay until an answer begins. A network has a quarter of it, so that
/// nobody takes it from the others by sending slowly; one body it always has.
///
/// Threads: any; one lock, taken where such a body begins and ends.
class BodyRoom {
 public:
  explicit BodyRoom(std::uint64_t bytes) : all_(bytes), free_(bytes) {}

  /// Room for that many bytes until the last copy of the answer is gone; null: there is not so
  /// much.
  static std::shared_ptr<const void> take(const std::shared_ptr<BodyRoom>& room,
                                          const IpAddress& network, std::uint64_t bytes);

 private:
  void give_back(const IpAddress& network, std::uint64_t bytes);

  const std::uint64_t all_;
  std::mutex mutex_;
  std::uint64_t free_;
  std::unordered_map<IpAddress, std::uint64_t> taken_;  ///< by networks that have some
};

}  // namespace portcullis::guards

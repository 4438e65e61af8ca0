#pragma once
#include <cstdint>
#include <string_view>

#include "base/address.hpp"
#include "state/store.hpp"

namespace portcullis::state {

/// How often something happened of late: a window that counts and refuses nobody.
///
/// While the shared store is away each node counts for itself.
class Tally {
 public:
  /// `tier`: static text, as Charge::tier.
  Tally(std::string_view tier, const Key& key, Seconds window)
      : charge_{.tier = tier, .key = key, .limit = kMost, .window = window, .whole = true} {}

  /// Counts one more.
  AdmitRequest adding() const { return request(1); }
  AdmitRequest asking() const { return request(0); }
  /// What the store answers: how often, with the one that was added.
  static std::int64_t count(const AdmitAnswer& answer) noexcept {
    return answer.admission.limit == 0 ? 0 : std::int64_t{kMost} - answer.admission.remaining;
  }

 private:
  static constexpr std::uint32_t kMost = 1'000'000'000;

  AdmitRequest request(std::uint32_t cost) const {
    AdmitRequest out;
    out.add(charge_);
    out.charges[0].cost = cost;
    return out;
  }

  Charge charge_;
};

/// Sessions that were created from an address (IPv6: its /64) within the last hour.
inline Tally session_creations(const IpAddress& address) {
  constexpr Space kTier = "session-creations";
  const IpAddress network = address.network();
  return {kTier.name(), key_of(kTier, network.octets()), Seconds{3600}};
}

}  // namespace portcullis::state

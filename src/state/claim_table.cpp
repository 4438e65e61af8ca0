#include "state/claim_table.hpp"

#include <algorithm>

namespace portcullis::state {

ClaimStanding ClaimTable::visit(const Claim& claim) {
  const bool take = claim.use == Claim::Use::take;
  const auto at = index_.find(claim.session);
  if (at == index_.end()) {
    if (!take || capacity_ == 0) return ClaimStanding::unknown;
    if (index_.size() == capacity_) {
      index_.erase(by_age_.front().session);
      by_age_.pop_front();
    }
    Entry& entry = by_age_.emplace_back();
    entry.session = claim.session;
    remember(entry, claim.presenter);
    index_.emplace(claim.session, std::prev(by_age_.end()));
    return ClaimStanding::unknown;
  }
  Entry& entry = *at->second;
  const auto end = entry.presenters.begin() + static_cast<std::ptrdiff_t>(entry.count);
  const bool own = std::find(entry.presenters.begin(), end, claim.presenter) != end;
  // Only those who belong here keep an entry young: nobody else shall hold it against its owner.
  if (own || take) by_age_.splice(by_age_.end(), by_age_, at->second);
  if (!own && take) remember(entry, claim.presenter);
  return own ? ClaimStanding::own : ClaimStanding::foreign;
}

void ClaimTable::remember(Entry& entry, const Key& presenter) {
  if (entry.count < kPresenters) {
    entry.presenters[entry.count++] = presenter;
    return;
  }
  entry.presenters[entry.oldest] = presenter;
  entry.oldest = entry.oldest + 1 == kPresenters ? 1 : entry.oldest + 1;
}

}  // namespace portcullis::state

#include "guards/session/session_risk.hpp"

namespace portcullis::guards {
namespace {

using identity::Standing;

constexpr Seconds kAtOnce{60};
constexpr std::uint32_t kManyMessages = 100;
constexpr Seconds kLong{48 * 3600};

/// Whether somebody on another network than this presenter's has just been speaking.
bool is_used_elsewhere(const PresenterEvidence& e) {
  const auto lately = [&](WallTime active) { return e.now <= active + kAtOnce; };
  return lately(e.use.owner_active) ||
         (lately(e.use.others_active) && e.use.others_network != e.presenter.network);
}

}  // namespace

bool asks_for_creations(const PresenterEvidence& e) noexcept {
  return e.session.owner && e.standing == Standing::stranger &&
         e.presenter.fingerprint != e.session.owner->fingerprint;
}

Score judge_presenter(const PresenterEvidence& e) {
  Score score;
  if (!e.session.owner) return score;
  const auto& owner = *e.session.owner;
  const bool stranger = e.standing == Standing::stranger;
  if (stranger) score.add("ip_change", 30);
  if (owner.user_agent != 0 && e.presenter.user_agent != owner.user_agent) {
    score.add("user_agent_change", 20);
  }
  if (!identity::may_be_one_device(owner.platform, e.presenter.platform)) {
    score.add("platform_change", 10);
  }
  if (stranger && is_used_elsewhere(e)) score.add("two_networks", 10);
  if (stranger ? e.creations > http::SessionClaims::kManyCreations : e.session.rapid) {
    score.add("rapid_session_creation", 40);
  }
  // Elsewhere, too, the owner has his own browser: what others do there is not held against it.
  const bool others = e.presenter.fingerprint != owner.fingerprint;
  const auto early = e.standing == Standing::owner ? e.use.owner_early
                     : others                      ? e.use.others_early
                                                   : 0;
  if (early > kManyMessages) score.add("high_message_frequency", 25);
  if (e.now > e.session.created + kLong) score.add("long_session_duration", 15);
  return score;
}

}  // namespace portcullis::guards

#pragma once
#include <cstdint>

#include "guards/bot/score.hpp"
#include "http/principal.hpp"
#include "identity/presenters.hpp"

namespace portcullis::guards {

/// What is known of somebody who presents a session.
struct PresenterEvidence {
  const http::SessionClaims& session;
  const http::Presenter& presenter;
  const SessionUse& use;
  identity::Standing standing = identity::Standing::owner;  ///< identity::standing_of
  std::int64_t creations = 0;  ///< of sessions by his network in the last hour, where it was asked
  WallTime now;
};

/// What speaks against a presenter, in points. It is told of him alone: the traits of the owner
/// stand in the token, and of messages he answers for those that are not the owner's, or that are.
/// A token that does not say whom it was issued to speaks against nobody.
///
/// Cost: a few comparisons.
Score judge_presenter(const PresenterEvidence& evidence);

/// Whether it matters how many sessions his network creates: he comes from elsewhere with another
/// browser. Behind the one address of an office or of a mobile network many begin to talk within an
/// hour, and who only moves there with his browser is none of them.
bool asks_for_creations(const PresenterEvidence& evidence) noexcept;

}  // namespace portcullis::guards

#pragma once
#include <string>
#include <string_view>

#include "http/principal.hpp"
#include "identity/presenters.hpp"
#include "state/tally.hpp"

namespace portcullis::identity {

/// A revocation: of all sessions of a user of a site, whom its server named.
inline state::Key visitor_key(std::string_view site, std::string_view user) {
  std::string name(site);
  name += ' ';  // no site's id has one
  name += user;
  return state::key_of("visitor", name);
}

/// A revocation: of all sessions that were created from a network, as `Presenter::network` says it.
inline state::Key network_key(std::uint64_t network) {
  return state::key_of("network's sessions",
                       {reinterpret_cast<const char*>(&network), sizeof network});
}

/// Adds what this session may have been revoked by together with others.
inline void may_be_revoked_with_others(state::AdmitRequest& request,
                                       const http::SessionClaims& session) {
  if (!session.user.empty()) request.may_be_revoked_by(visitor_key(session.site, session.user));
  if (session.owner) request.may_be_revoked_by(network_key(session.owner->network));
}

/// What the store remembers of those who present a session is kept under these keys, all of them
/// beside the session, and none of it is shared by two of them: who has stolen a token takes
/// nothing from its owner.
///
/// In the owner's network a presenter is told by all that he shows of himself. Elsewhere by his
/// network alone, since what he shows there costs him nothing to change.
///
/// Ownership: views end with the presenter.
class SessionKeys {
 public:
  /// A token that was replaced lives this much longer; by its window, up to a twelfth more.
  static constexpr Seconds kReplacedLife{30};

  SessionKeys(const http::SessionClaims& session, const http::Presenter& presenter)
      : key_(state::session_key(session.id)),
        session_(key_),
        presenter_(presenter),
        is_elsewhere_(is_elsewhere(session, presenter)) {}

  /// A revocation: this presenter may not use the session.
  state::Key shut_out() const { return own("presenter-shut-out"); }
  /// A revocation of the tokens that he shows: of those before a fresh one that he got.
  state::Key token() const { return own("presenters-token"); }
  /// Fresh tokens that he got of late.
  state::Tally replacements() const {
    return {"session-replaced", own("session-replaced"), kReplacedLife};
  }
  /// How often this presenter was found to be suspicious within an hour.
  state::Tally suspicions() const { return {"suspicions", own("suspicions"), Seconds{3600}}; }
  /// Challenges that he solved within ten minutes.
  state::Tally payments() const { return {"risk-paid", own("risk-paid"), Seconds{600}}; }
  /// His own window of a tier.
  state::Key window(const state::Space& tier) const { return own(tier); }
  /// Whom messages are counted for: the session, or who speaks in it from elsewhere.
  state::Key speaker() const { return is_elsewhere_ ? own("speaks-elsewhere") : key_; }

 private:
  state::Key own(const state::Space& space) const {
    const std::array<std::uint64_t, 3> words{presenter_.network,
                                             is_elsewhere_ ? 0 : presenter_.fingerprint[0],
                                             is_elsewhere_ ? 0 : presenter_.fingerprint[1]};
    return session_.in(space, {reinterpret_cast<const char*>(words.data()), sizeof words});
  }

  const state::Key key_;
  const state::KeyedValue session_;
  const http::Presenter& presenter_;
  const bool is_elsewhere_;
};

}  // namespace portcullis::identity

#pragma once
#include <string_view>

#include "http/principal.hpp"
#include "state/tally.hpp"

namespace portcullis::identity {

/// What the store remembers of those who present a session is kept under these keys, all of them
/// beside the session.
///
/// Ownership: views end with the presenter.
class SessionKeys {
 public:
  /// A token that was replaced lives this much longer where it was issued; by its window, up to a
  /// twelfth more.
  static constexpr Seconds kReplacedLife{30};

  SessionKeys(const http::SessionClaims& session, const http::Presenter& presenter)
      : session_(state::session_key(session.id)),
        presenter_(presenter),
        is_holder_(session.owner && session.owner->network == presenter.network &&
                   session.owner->fingerprint == presenter.fingerprint) {}

  /// A revocation: this presenter may not use the session.
  state::Key shut_out() const { return own("presenter-shut-out"); }
  /// A revocation of the token that he shows: of those before a fresh one. The one in the hands of
  /// whom it was issued to has another, so that nobody else who gets a fresh one drives him out.
  state::Key token() const noexcept { return is_holder_ ? holders_token() : others_token(); }
  bool is_holder() const noexcept { return is_holder_; }
  state::Key holders_token() const noexcept { return session_.in("holders-token"); }
  state::Key others_token() const noexcept { return session_.in("others-token"); }
  /// Fresh tokens of late.
  state::Tally replacements() const {
    return {"session-replaced", session_.in("session-replaced"), kReplacedLife};
  }
  /// How often this presenter was found to be suspicious within a day.
  state::Tally suspicions() const { return {"suspicions", own("suspicions"), Seconds{86'400}}; }
  /// Challenges that he solved within ten minutes.
  state::Tally payments() const { return {"risk-paid", own("risk-paid"), Seconds{600}}; }
  /// His own window of a tier.
  state::Key window(const state::Space& tier) const { return own(tier); }

 private:
  state::Key own(const state::Space& space) const {
    const std::array<std::uint64_t, 3> words{presenter_.network, presenter_.fingerprint[0],
                                             presenter_.fingerprint[1]};
    return session_.in(space, {reinterpret_cast<const char*>(words.data()), sizeof words});
  }

  state::KeyedValue session_;
  const http::Presenter& presenter_;
  const bool is_holder_;
};

}  // namespace portcullis::identity

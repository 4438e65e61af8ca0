#pragma once
#include <functional>
#include <optional>
#include <span>

#include "config/settings.hpp"
#include "guards/rate/caller.hpp"
#include "identity/captcha_verifier.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// What limits are kept in, over all workers and reloads.
struct LimitParts {
  state::Store& store;
  state::BlockTable& blocks;
  http::InFlight& in_flight;
  observe::Metrics& metrics;
  std::string_view challenge_secret;  ///< what challenges are signed under
  /// By Site::index; null, or none at all: no captcha. They outlive the guards.
  std::span<const std::shared_ptr<identity::CaptchaVerifier>> captchas{};
};

/// What a request of each class is charged to, and what follows where a limit is reached. The rate
/// guard and the claim guard decide by it.
///
/// Threads: immutable; any worker.
class Charges {
 public:
  /// `guard`: the name of the one that decides by it.
  Charges(std::string_view guard, const config::Settings& settings, const LimitParts& parts);

  /// Counts the exchange among those that are being answered, for as long as it lasts: for the
  /// caller, for the site, and for `session` where it is given.
  /// @returns the refusal where one of them has too many under way.
  std::optional<pipeline::Verdict> enter(http::Exchange& exchange,
                                         const http::SessionClaims* session) const;
  /// The same for a session that has become known later.
  std::optional<pipeline::Verdict> enter_session(http::Exchange& exchange,
                                                 const http::SessionClaims& session) const;

  /// Adds the windows of this class; with `session`, a message's, the session's too. The
  /// address is throttled for its own windows, a session for its own. A verified user or key is
  /// charged to itself and not to its address.
  void add(state::AdmitRequest& request, const http::Exchange& exchange, pipeline::RouteClass cls,
           const http::SessionClaims* session) const;
  /// Adds the window of credentials that do not verify. The last of them is the one that finds no
  /// room.
  void add_auth_failure(state::AdmitRequest& request, const http::Exchange& exchange) const;
  /// Adds the window of callers that are held for machines: a quarter of what their address has.
  void add_narrow(state::AdmitRequest& request, const http::Exchange& exchange) const;
  /// Adds windows of a single presenter of a session: a quarter of what the class has for an
  /// address, and a message's session. `key_of`: their keys, by tier.
  void add_quarter(state::AdmitRequest& request, const http::Exchange& exchange,
                   const std::function<state::Key(const state::Space&)>& key_of) const;
  /// Whether nothing but the site's window stood in the way, which all its visitors share.
  static bool is_site_spent(const state::AdmitRequest& request,
                            const Result<state::AdmitAnswer>& answer);
  /// Has the request charged to what a site keeps in reserve instead: half as much as its limit,
  /// for those who were in a conversation before. New visitors, who have solved a challenge, may
  /// take it down to its half.
  static void use_reserve(state::AdmitRequest& request, const http::Exchange& exchange,
                          bool in_conversation);
  /// Notes the tier that decided for the limit headers; a refusal where one is over its limit, or
  /// the pace of a throttled address. Who goes on far beyond it is blocked.
  pipeline::Verdict judge(http::Exchange& exchange, const state::AdmitRequest& request,
                          const state::Admission& admission) const;

 private:
  std::optional<pipeline::Verdict> enter(http::Exchange& exchange,
                                         std::span<const http::InFlight::Holder> holders) const;
  bool may_block(const http::Exchange& exchange) const;
  std::uint32_t wide_of(std::uint32_t address_limit) const;
  void add_network(state::AdmitRequest& request, const Caller& caller, std::uint32_t address_limit,
                   std::uint32_t cost) const;

  const std::string_view guard_;
  const AddressSet never_blocked_;
  const bool automatic_;
  const Seconds first_block_;
  state::BlockTable& blocks_;
  http::InFlight& in_flight_;
  const std::uint32_t api_minute_, user_minute_, key_minute_, login_minute_, admin_minute_,
      light_minute_;
  const std::int64_t network_factor_;
  const std::uint32_t auth_failures_;
  const Seconds auth_failure_window_;
  observe::CounterFamily& limited_;
};

}  // namespace portcullis::guards

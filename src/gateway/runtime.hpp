#pragma once
#include <memory>
#include <string>
#include <vector>

#include "audit/log_sink.hpp"
#include "chat/stream_hub.hpp"
#include "config/settings.hpp"
#include "detect/inspector.hpp"
#include "gateway/accounts.hpp"
#include "gateway/kept.hpp"
#include "guards/address/address_guard.hpp"
#include "guards/bot/trails.hpp"
#include "guards/credentials/credentials_guard.hpp"
#include "guards/rate/failed_logins.hpp"
#include "http/http1_connection.hpp"
#include "identity/session_tokens.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "pipeline/pipeline.hpp"
#include "routes/chat/chat_routes.hpp"
#include "routes/chat/chat_socket.hpp"
#include "routes/ops/ops_routes.hpp"
#include "routes/session/session_routes.hpp"
#include "routes/widget/widget_routes.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"
#include "upstream/assistant.hpp"
#include "upstream/openid_provider.hpp"
#include "upstream/service_group.hpp"
#include "upstream/siteverify.hpp"

namespace portcullis::gateway {

using Assistants = Kept<upstream::Assistant>::Map;
using Captchas = Kept<upstream::Siteverify>::Map;
using ServiceGroups = Kept<upstream::ServiceGroup>::Map;

/// What outlives reloads: logs, counters, state, streams, and assistants and providers of captchas
/// with their breakers and pools.
struct Lasting {
  observe::Log& log;
  observe::Metrics& metrics;
  audit::Sink& sink;
  state::Store& store;
  state::BlockTable& blocks;
  http::InFlight& in_flight;
  http::websocket::Census& sockets;
  guards::Trails& trails;
  chat::StreamHub& hub;
  guards::ForwardingWarning& forwarding;
  const Assistants& assistants;  ///< those in force: one that the new configuration has too is kept
  const Captchas& captchas;      ///< likewise
  const ServiceGroups& groups;   ///< likewise
  /// The OpenID provider in force, with its keys; null: there is none.
  std::shared_ptr<upstream::OpenIdProvider> provider;
  Accounts* accounts = nullptr;  ///< null: nobody is served, as for `check-config`
  unsigned workers = 1;
};

/// Everything that is made from one configuration: guards, routes, pipelines. Immutable; a reload
/// makes another one while exchanges under way keep theirs.
class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  /// @returns an upstream that cannot be used, or clashing routes.
  static Result<std::shared_ptr<const Runtime>> make(config::Settings settings,
                                                     const Lasting& lasting,
                                                     const routes::Vitals& vitals);
  ~Runtime();

  const config::Settings& settings() const noexcept { return settings_; }
  const pipeline::Pipeline& pipeline() const noexcept { return *public_; }
  const pipeline::Pipeline& operations() const noexcept { return *operations_; }
  const Assistants& assistants() const noexcept { return assistants_; }
  const Captchas& captchas() const noexcept { return captchas_; }
  const ServiceGroups& groups() const noexcept { return groups_; }
  const std::shared_ptr<upstream::OpenIdProvider>& provider() const noexcept { return provider_; }
  http::ConnectionLimits connection_limits() const;

 private:
  struct RouteSet;
  explicit Runtime(config::Settings settings);
  Result<void> build(const Lasting& lasting, const routes::Vitals& vitals);
  Result<void> build_users(const Lasting& lasting);
  guards::CredentialParts credential_parts(const Lasting& lasting) const;
  guards::LimitParts limit_parts(
      const Lasting& lasting,
      std::span<const std::shared_ptr<identity::CaptchaVerifier>> captchas = {}) const;
  Result<std::unique_ptr<pipeline::Pipeline>> make_pipeline(const Lasting& lasting, RouteSet& set,
                                                            const routes::Services& services,
                                                            const routes::Vitals& vitals,
                                                            bool operations,
                                                            std::vector<std::string>& problems);

  const config::Settings settings_;
  std::unique_ptr<identity::SessionTokens> session_tokens_;
  std::unique_ptr<identity::UserTokens> user_tokens_;   ///< null: there are no users
  std::shared_ptr<upstream::OpenIdProvider> provider_;  ///< null: there is none
  std::unique_ptr<identity::ApiKeys> api_keys_;
  std::unique_ptr<identity::Logins> logins_;
  std::unique_ptr<guards::FailedLogins> failed_logins_;
  std::unique_ptr<pipeline::Reporter> reporter_;
  std::unique_ptr<detect::Inspector> inspector_;
  std::unique_ptr<const detect::LeakRules> leak_rules_;  ///< null: no route asks for them
  std::vector<pipeline::Site> sites_;
  Assistants assistants_;
  Captchas captchas_;
  ServiceGroups groups_;
  std::unique_ptr<RouteSet> public_routes_;
  std::unique_ptr<RouteSet> operations_routes_;
  std::unique_ptr<pipeline::Pipeline> public_;
  std::unique_ptr<pipeline::Pipeline> operations_;
};

/// The guards of a request in their order.
Result<std::vector<std::unique_ptr<pipeline::Guard>>> make_guards(
    const config::Settings& settings, const Lasting& lasting,
    const guards::CredentialParts& credentials, const guards::LimitParts& limits,
    const pipeline::Reporter& reporter, const detect::Inspector& inspector);

}  // namespace portcullis::gateway

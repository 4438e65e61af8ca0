#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chat/stream_hub.hpp"
#include "config/settings.hpp"
#include "detect/leak_scanner.hpp"
#include "http/websocket/census.hpp"
#include "identity/captcha_verifier.hpp"
#include "identity/logins.hpp"
#include "identity/provider_tokens.hpp"
#include "identity/session_tokens.hpp"
#include "identity/visitor_identity.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "pipeline/reporter.hpp"
#include "schema/schema.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"
#include "upstream/assistant.hpp"
#include "upstream/service_group.hpp"

namespace portcullis::routes {

/// What route handlers work with. Borrowed from the gateway; lives as long as the routes.
struct Services {
  const config::Settings* settings = nullptr;
  const identity::SessionTokens* session_tokens = nullptr;
  state::Store* store = nullptr;
  state::BlockTable* blocks = nullptr;
  chat::StreamHub* hub = nullptr;
  http::websocket::Census* sockets = nullptr;
  const pipeline::Reporter* reporter = nullptr;
  const identity::Logins* logins = nullptr;            ///< null: there are no users
  const identity::ProviderTokens* provider = nullptr;  ///< null: there is none
  const pipeline::FailedLoginObserver* failed_logins = nullptr;
  observe::Metrics* metrics = nullptr;
  std::vector<std::shared_ptr<upstream::Assistant>> assistants;  ///< by Site::index
  /// By Site::index; null: the site's server names nobody.
  std::vector<std::shared_ptr<const identity::VisitorIdentity>> visitors;
  std::vector<std::shared_ptr<identity::CaptchaVerifier>> captchas;       ///< likewise; null: none
  std::map<std::string, std::shared_ptr<upstream::ServiceGroup>> groups;  ///< by their ids
  std::map<std::string, std::shared_ptr<const schema::Schema>> schemas;   ///< by their files
  const detect::LeakRules* leak_rules = nullptr;  ///< null: no route asks for them
  std::weak_ptr<const void>
      owner;  ///< what must live for all this; locked by what outlives exchanges
};

}  // namespace portcullis::routes

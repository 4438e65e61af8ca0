#pragma once
#include <memory>
#include <string>

#include "identity/upstream_tokens.hpp"
#include "upstream/http_assistant.hpp"
#include "upstream/n8n_visit.hpp"

namespace portcullis::upstream {

struct N8nOptions {
  HttpServiceOptions service;
  std::string api_key;
};

/// An n8n instance: posts messages with a token minted for each to its webhook, and calls of n8n's
/// own widget to the webhook that they name; decodes whatever form the answer has.
///
/// Threads:   start() from any worker; immutable but for its service.
/// Ownership: calls keep the object alive.
class N8n final : public HttpAssistant, public std::enable_shared_from_this<N8n> {
 public:
  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<N8n>> make(N8nOptions options, identity::UpstreamTokens tokens,
                                           observe::Metrics& metrics, observe::Log& log);

  std::string_view name() const noexcept override { return "n8n"; }
  std::unique_ptr<Call> start(net::Worker& worker, Question question) override;
  /// A call of the widget. A history or page comes as one piece.
  std::unique_ptr<Call> start(net::Worker& worker, N8nVisit visit);

  /// The path of the webhook as n8n knows it, `/webhook/…`, without what a proxy before n8n may put
  /// before it; empty where the URL has another form.
  std::string_view webhook_path() const noexcept;

  /// The JSON body that is posted; README.md tells workflow authors what is in it.
  static std::string payload(const Question& question, std::string_view token);

 private:
  class Message;
  class Visit;
  N8n(std::shared_ptr<HttpService> service, const std::string& api_key,
      identity::UpstreamTokens tokens);

  const identity::UpstreamTokens tokens_;
  const std::string credential_;    ///< Authorization with its line end; empty without a key
  const std::string request_head_;  ///< everything that is the same for each message
};

}  // namespace portcullis::upstream

#pragma once
#include <memory>
#include <string>

#include "identity/upstream_tokens.hpp"
#include "upstream/http_assistant.hpp"

namespace portcullis::upstream {

struct N8nOptions {
  HttpServiceOptions service;
  std::string api_key;
};

/// An n8n webhook: posts the message with a token minted for it and decodes whatever form the
/// answer has.
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

  /// The JSON body that is posted; README.md tells workflow authors what is in it.
  static std::string payload(const Question& question, std::string_view token);

 private:
  class Message;
  N8n(std::shared_ptr<HttpService> service, const std::string& api_key,
      identity::UpstreamTokens tokens);

  const identity::UpstreamTokens tokens_;
  const std::string request_head_;  ///< everything that is the same for each message
};

}  // namespace portcullis::upstream

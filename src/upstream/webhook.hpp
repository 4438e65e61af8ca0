#pragma once
#include <memory>
#include <string>
#include <vector>

#include "config/request_template.hpp"
#include "upstream/http_assistant.hpp"

namespace portcullis::upstream {

struct WebhookOptions {
  HttpServiceOptions service;
  std::string api_key;               ///< sent as a bearer token; empty: none
  std::vector<std::string> headers;  ///< further ones, `Name: value`
  std::string request;               ///< a config::RequestTemplate
  std::string answer;  ///< JSON pointer to the answer's text; empty: whatever form it has
  std::uint32_t history_tokens = 4000;  ///< of the conversation, where the template has a place
};

/// Any service that takes JSON by POST and answers: what it is sent is written down by its
/// operator, and so is where in its answer the text stands.
///
/// It is sent what the template names and nothing else of the visitor, but for the message's id as
/// Idempotency-Key.
///
/// Threads:   start() from any worker; immutable but for its service.
/// Ownership: calls keep the object alive.
class Webhook final : public HttpAssistant, public std::enable_shared_from_this<Webhook> {
 public:
  /// @returns invalid_input for a URL, CA file or template that cannot be used.
  static Result<std::shared_ptr<Webhook>> make(const WebhookOptions& options,
                                               observe::Metrics& metrics, observe::Log& log);

  std::string_view name() const noexcept override { return "http"; }
  std::unique_ptr<Call> start(net::Worker& worker, Question question) override;
  std::size_t history_tokens() const noexcept override { return history_tokens_; }

  /// The JSON body that is posted: the template with its places filled in.
  static std::string payload(const config::RequestTemplate& request, const Question& question);

 private:
  class Message;
  Webhook(const WebhookOptions& options, config::RequestTemplate request,
          std::shared_ptr<HttpService> service);

  const config::RequestTemplate request_;
  const std::string answer_;
  const std::size_t history_tokens_;
  const std::string request_head_;  ///< everything that is the same for each message
};

}  // namespace portcullis::upstream

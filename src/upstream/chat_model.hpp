#pragma once
#include <memory>
#include <string>

#include "upstream/http_assistant.hpp"
#include "upstream/model_decoder.hpp"

namespace portcullis::upstream {

/// Which API a language model is reached by.
enum class ModelApi : std::uint8_t {
  openai,     ///< chat completions, of OpenAI or of a server that speaks the same
  anthropic,  ///< messages
};
std::string_view name_of(ModelApi api) noexcept;

struct ChatModelOptions {
  ModelApi api = ModelApi::openai;
  HttpServiceOptions service;  ///< url: the base, to which the API's own path is added
  std::string api_key;
  std::string model;
  std::string system_prompt;  ///< empty: none
  std::uint32_t max_output_tokens = 1024;
  std::string temperature;              ///< a JSON number; empty: none is sent
  std::uint32_t history_tokens = 4000;  ///< of the conversation so far, at most; 0: none
};

/// A language model behind its provider's API, without a workflow between: asks with the site's
/// system prompt, what was said before and the message, and streams the answer.
///
/// The API learns nothing of the visitor but what was said: no address, no page, no id.
///
/// Threads:   start() from any worker; immutable but for its service.
/// Ownership: calls keep the object alive.
class ChatModel final : public HttpAssistant, public std::enable_shared_from_this<ChatModel> {
 public:
  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<ChatModel>> make(ChatModelOptions options,
                                                 observe::Metrics& metrics, observe::Log& log);

  std::string_view name() const noexcept override { return name_of(options_.api); }
  std::unique_ptr<Call> start(net::Worker& worker, Question question) override;
  std::size_t history_tokens() const noexcept override { return options_.history_tokens; }

  /// The JSON body that is posted.
  static std::string payload(const ChatModelOptions& options, const Question& question);

 private:
  class Message;
  ChatModel(ChatModelOptions options, std::shared_ptr<HttpService> service,
            observe::Metrics& metrics);
  void note_end(const Question& question, Ending ending, const TokenUsage& usage) const;

  const ChatModelOptions options_;
  const std::string request_head_;
  observe::CounterFamily& tokens_;
  const observe::CounterFamily::Cell input_cell_;
  const observe::CounterFamily::Cell output_cell_;
};

}  // namespace portcullis::upstream

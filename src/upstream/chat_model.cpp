#include "upstream/chat_model.hpp"

#include "base/text.hpp"
#include "upstream/chat_messages.hpp"
#include "upstream/http_call.hpp"

namespace portcullis::upstream {
namespace {

constexpr std::string_view kAnthropicVersion = "2023-06-01";

std::string head_of(const ChatModelOptions& options, const HttpService& service) {
  const bool openai = options.api == ModelApi::openai;
  std::string path = service.path();
  while (path.ends_with('/')) path.pop_back();
  path += openai ? "/chat/completions" : "/v1/messages";
  std::string out = service.head_to("POST", path);
  out += "Accept: text/event-stream, application/json\r\nContent-Type: application/json\r\n";
  if (openai) {
    if (!options.api_key.empty()) out += "Authorization: Bearer " + options.api_key + "\r\n";
  } else {
    out += "anthropic-version: " + std::string(kAnthropicVersion) + "\r\n";
    if (!options.api_key.empty()) out += "x-api-key: " + options.api_key + "\r\n";
  }
  return out;
}

/// OpenAI's own models want another name for the bound than servers that came after them.
std::string_view bound_name(const ChatModelOptions& options) {
  const bool own = options.service.url.find("://api.openai.com") != std::string::npos;
  return options.api == ModelApi::openai && own ? "max_completion_tokens" : "max_tokens";
}

}  // namespace

std::string_view name_of(ModelApi api) noexcept {
  return api == ModelApi::openai ? "openai" : "anthropic";
}

class ChatModel::Message final : public QuestionDialect {
 public:
  Message(std::shared_ptr<const ChatModel> owner, Question question)
      : QuestionDialect(std::move(question)), owner_(std::move(owner)) {}

  HttpRequest request(WallTime) override {
    return {owner_->request_head_, payload(owner_->options_, question_)};
  }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    const auto most = owner_->service_->options().max_answer_bytes;
    auto report = [this](Ending ending, const TokenUsage& usage) {
      owner_->note_end(question_, ending, usage);
    };
    if (owner_->options_.api == ModelApi::openai) {
      return std::make_unique<OpenAiDecoder>(head.content_type, most, std::move(report));
    }
    return std::make_unique<AnthropicDecoder>(head.content_type, most, std::move(report));
  }

 private:
  const std::shared_ptr<const ChatModel> owner_;
};

Result<std::shared_ptr<ChatModel>> ChatModel::make(ChatModelOptions options,
                                                   observe::Metrics& metrics, observe::Log& log) {
  TRY(auto service, HttpService::make(options.service, metrics, log));
  return std::shared_ptr<ChatModel>(new ChatModel(std::move(options), std::move(service), metrics));
}

ChatModel::ChatModel(ChatModelOptions options, std::shared_ptr<HttpService> service,
                     observe::Metrics& metrics)
    : HttpAssistant(std::move(service)),
      options_(std::move(options)),
      request_head_(head_of(options_, *service_)),
      tokens_(metrics.counter("portcullis_upstream_tokens_total")),
      input_cell_(tokens_.cell({options_.service.name, "input"})),
      output_cell_(tokens_.cell({options_.service.name, "output"})) {}

std::unique_ptr<Call> ChatModel::start(net::Worker& worker, Question question) {
  return std::make_unique<HttpCall>(
      service_, worker, std::make_unique<Message>(shared_from_this(), std::move(question)));
}

void ChatModel::note_end(const Question& question, Ending ending, const TokenUsage& usage) const {
  tokens_.add(input_cell_, usage.input);
  tokens_.add(output_cell_, usage.output);
  service_->log().write(observe::Level::info, "answer of a model",
                        {{"upstream", service_->options().name},
                         {"message_id", question.message_id},
                         {"model", options_.model},
                         {"ending", name_of(ending)},
                         {"input_tokens", static_cast<std::int64_t>(usage.input)},
                         {"output_tokens", static_cast<std::int64_t>(usage.output)}});
}

std::string ChatModel::payload(const ChatModelOptions& options, const Question& question) {
  const bool openai = options.api == ModelApi::openai;
  std::string out = "{\"model\":";
  text::append_json_string(out, options.model);
  out += ",\"";
  out += bound_name(options);
  out += "\":";
  text::append_number(out, options.max_output_tokens);
  if (!options.temperature.empty()) out += ",\"temperature\":" + options.temperature;
  out += ",\"stream\":true";
  if (openai) {
    out += ",\"stream_options\":{\"include_usage\":true}";
  } else if (!options.system_prompt.empty()) {
    out += ",\"system\":";
    text::append_json_string(out, options.system_prompt);
  }
  out += ",\"messages\":[";
  if (openai && !options.system_prompt.empty()) {
    append_chat_message(out, "system", options.system_prompt);
  }
  for (const auto& said : question.history) append_chat_message(out, said);
  append_chat_message(out, "user", question.message);
  out += "]}";
  return out;
}

}  // namespace portcullis::upstream

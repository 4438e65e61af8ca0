#include "upstream/n8n.hpp"

#include "base/text.hpp"
#include "upstream/answer_decoder.hpp"
#include "upstream/http_call.hpp"

namespace portcullis::upstream {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  text::append_json_string(out, value);
}

}  // namespace

/// A message of the chat API: our own payload, whatever form the answer has.
class N8n::Message final : public HttpDialect {
 public:
  Message(std::shared_ptr<const N8n> owner, Question question)
      : owner_(std::move(owner)), question_(std::move(question)) {}

  HttpRequest request(WallTime now) override {
    question_.now = now;
    const std::string token =
        owner_->tokens_.mint({question_.session_handle, question_.origin_domain, question_.message,
                              question_.message_id},
                             now);
    return {owner_->request_head_ + "Idempotency-Key: " + question_.message_id + "\r\n",
            payload(question_, token)};
  }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    return std::make_unique<AnswerDecoder>(head.content_type,
                                           owner_->service_->options().max_answer_bytes);
  }
  std::string_view message_id() const noexcept override { return question_.message_id; }
  std::string_view session_handle() const noexcept override { return question_.session_handle; }

 private:
  const std::shared_ptr<const N8n> owner_;
  Question question_;
};

Result<std::shared_ptr<N8n>> N8n::make(N8nOptions options, identity::UpstreamTokens tokens,
                                       observe::Metrics& metrics, observe::Log& log) {
  TRY(auto service, HttpService::make(std::move(options.service), metrics, log));
  return std::shared_ptr<N8n>(new N8n(std::move(service), options.api_key, std::move(tokens)));
}

N8n::N8n(std::shared_ptr<HttpService> service, const std::string& api_key,
         identity::UpstreamTokens tokens)
    : HttpAssistant(std::move(service)),
      tokens_(std::move(tokens)),
      request_head_(
          service_->head_to("POST", service_->path()) +
          "Accept: text/event-stream, application/x-ndjson, application/json, text/plain;q=0.8\r\n"
          "Content-Type: application/json\r\n" +
          (api_key.empty() ? "" : "Authorization: Bearer " + api_key + "\r\n")) {}

std::unique_ptr<Call> N8n::start(net::Worker& worker, Question question) {
  return std::make_unique<HttpCall>(
      service_, worker, std::make_unique<Message>(shared_from_this(), std::move(question)));
}

std::string N8n::payload(const Question& question, std::string_view token) {
  std::string out;
  out.reserve(1024 + question.message.size() + question.context_json.size());
  out += "{\"message\":";
  text::append_json_string(out, question.message);
  append_member(out, "session_id", question.session_handle);
  append_member(out, "jwt_token", token);
  append_member(out, "message_id", question.message_id);
  out += ",\"timestamp\":";
  const auto millis = epoch_millis(question.now);
  text::append_number(out, millis / 1000);
  out += '.';
  const std::string fraction = std::to_string(1000 + millis % 1000);
  out += std::string_view(fraction).substr(1);
  out += ",\"context\":{\"session_id\":";
  text::append_json_string(out, question.session_handle);
  append_member(out, "origin_domain", question.origin_domain);
  append_member(out, "page_url", question.page_url);
  append_member(out, "user_agent", question.user_agent);
  append_member(out, "ip_address", question.address);
  out += ",\"message_count\":";
  text::append_number(out, question.message_count);
  out += ",\"security_context\":{\"fingerprint\":";
  text::append_json_string(out, question.fingerprint);
  out += ",\"verified\":true}";
  if (!question.context_json.empty()) {
    out += ",\"user_context\":";
    out += question.context_json;
  }
  out += "}}";
  return out;
}

}  // namespace portcullis::upstream

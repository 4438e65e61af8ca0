#include "upstream/webhook.hpp"

#include "base/text.hpp"
#include "upstream/answer_decoder.hpp"
#include "upstream/chat_messages.hpp"
#include "upstream/http_call.hpp"
#include "upstream/pointer_decoder.hpp"

namespace portcullis::upstream {
namespace {

using Slot = config::RequestTemplate::Slot;

std::string head_of(const WebhookOptions& options, const HttpService& service) {
  std::string out = service.head_to("POST", service.path());
  out += options.answer.empty() ? AnswerDecoder::kAccept : "Accept: application/json\r\n";
  out += "Content-Type: application/json\r\n";
  if (!options.api_key.empty()) out += "Authorization: Bearer " + options.api_key + "\r\n";
  for (const auto& header : options.headers) out += header + "\r\n";
  return out;
}

/// What stands between the quotes of a JSON string.
void append_inside_string(std::string& out, std::string_view text) {
  const std::size_t quote = out.size();
  text::append_json_string(out, text);
  out.erase(quote, 1);
  out.pop_back();
}

void append_history(std::string& out, const std::vector<PastMessage>& history) {
  out += '[';
  for (const auto& said : history) append_chat_message(out, said);
  out += ']';
}

void append_slot(std::string& out, Slot slot, const Question& question) {
  switch (slot) {
    case Slot::message:
      return append_inside_string(out, question.message);
    case Slot::message_id:
      return append_inside_string(out, question.message_id);
    case Slot::session_id:
      return append_inside_string(out, question.session_handle);
    case Slot::user_id:
      return append_inside_string(out, question.user);
    case Slot::origin_domain:
      return append_inside_string(out, question.origin_domain);
    case Slot::page_url:
      return append_inside_string(out, question.page_url);
    case Slot::history:
      return append_history(out, question.history);
  }
}

}  // namespace

class Webhook::Message final : public QuestionDialect {
 public:
  Message(std::shared_ptr<const Webhook> owner, Question question)
      : QuestionDialect(std::move(question)), owner_(std::move(owner)) {}

  HttpRequest request(WallTime) override {
    return {owner_->request_head_ + "Idempotency-Key: " + question_.message_id + "\r\n",
            payload(owner_->request_, question_)};
  }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    const auto most = owner_->service_->options().max_answer_bytes;
    if (owner_->answer_.empty()) return std::make_unique<AnswerDecoder>(head.content_type, most);
    return std::make_unique<PointerDecoder>(owner_->answer_, most);
  }

 private:
  const std::shared_ptr<const Webhook> owner_;
};

Result<std::shared_ptr<Webhook>> Webhook::make(const WebhookOptions& options,
                                               observe::Metrics& metrics, observe::Log& log) {
  auto request = config::RequestTemplate::parse(options.request);
  if (!request) return fail(ErrorCode::invalid_input, "the request's template " + request.error());
  TRY(auto service, HttpService::make(options.service, metrics, log));
  return std::shared_ptr<Webhook>(new Webhook(options, *std::move(request), std::move(service)));
}

Webhook::Webhook(const WebhookOptions& options, config::RequestTemplate request,
                 std::shared_ptr<HttpService> service)
    : HttpAssistant(std::move(service)),
      request_(std::move(request)),
      answer_(options.answer),
      history_tokens_(request_.has(Slot::history) ? options.history_tokens : 0),
      request_head_(head_of(options, *service_)) {}

std::unique_ptr<Call> Webhook::start(net::Worker& worker, Question question) {
  return std::make_unique<HttpCall>(
      service_, worker, std::make_unique<Message>(shared_from_this(), std::move(question)));
}

std::string Webhook::payload(const config::RequestTemplate& request, const Question& question) {
  std::string out;
  for (const auto& part : request.parts()) {
    out += part.text;
    if (part.slot) append_slot(out, *part.slot, question);
  }
  return out;
}

}  // namespace portcullis::upstream

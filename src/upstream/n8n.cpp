#include "upstream/n8n.hpp"

#include "base/text.hpp"
#include "upstream/answer_decoder.hpp"
#include "upstream/history_decoder.hpp"
#include "upstream/http_call.hpp"
#include "upstream/page_decoder.hpp"

namespace portcullis::upstream {
namespace {

/// Where n8n's own path begins in a path; its size where there is none.
std::size_t webhook_in(std::string_view path) {
  for (const std::string_view start : {"/webhook/", "/webhook-test/"}) {
    if (const auto at = path.find(start); at < path.find('?')) return at;
  }
  return path.size();
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  text::append_json_string(out, value);
}

}  // namespace

/// A message of the chat API: our own payload, whatever form the answer has.
class N8n::Message final : public QuestionDialect {
 public:
  Message(std::shared_ptr<const N8n> owner, Question question)
      : QuestionDialect(std::move(question)), owner_(std::move(owner)) {}

  HttpRequest request(WallTime now) override {
    question_.now = now;
    const std::string token =
        owner_->tokens_.mint({question_.session_handle, question_.origin_domain, question_.message,
                              question_.message_id, question_.user},
                             now);
    return {owner_->request_head_ + "Idempotency-Key: " + question_.message_id + "\r\n",
            payload(question_, token)};
  }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    return std::make_unique<AnswerDecoder>(head.content_type,
                                           owner_->service_->options().max_answer_bytes);
  }

 private:
  const std::shared_ptr<const N8n> owner_;
};

/// A call of n8n's own widget, as a webhook of its chat trigger wants it.
class N8n::Visit final : public HttpDialect {
 public:
  Visit(std::shared_ptr<const N8n> owner, N8nVisit visit)
      : owner_(std::move(owner)), visit_(std::move(visit)) {}

  HttpRequest request(WallTime now) override {
    if (visit_.action == N8nVisit::Action::open_page) {
      return {owner_->service_->head_to("GET", base() + visit_.path) + "Accept: text/html\r\n" +
                  owner_->credential_,
              {}};
    }
    const std::string token = owner_->tokens_.mint(
        {visit_.session_handle, visit_.origin_domain, visit_.message, visit_.message_id}, now);
    auto [content_type, body] = body_of(visit_, token);
    const auto& service = *owner_->service_;
    std::string head = service.head_to("POST", base() + visit_.path);
    head += AnswerDecoder::kAccept;
    head += "Content-Type: ";
    head += content_type;
    head += "\r\n";
    head += owner_->credential_;
    head += "Idempotency-Key: ";
    head += visit_.message_id;
    head += "\r\n";
    return {std::move(head), std::move(body)};
  }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    const std::size_t most = owner_->service_->options().max_answer_bytes;
    switch (visit_.action) {
      case N8nVisit::Action::load_previous_session:
        return std::make_unique<HistoryDecoder>(most);
      case N8nVisit::Action::open_page:
        return std::make_unique<PageDecoder>(head.content_type, most);
      case N8nVisit::Action::send_message:
        break;
    }
    return std::make_unique<AnswerDecoder>(head.content_type, most);
  }
  std::string_view message_id() const noexcept override { return visit_.message_id; }
  std::string_view session_handle() const noexcept override { return visit_.session_handle; }

 private:
  /// What stands before n8n's own paths where it does not live at the root of its host.
  std::string base() const {
    const auto& path = owner_->service_->path();
    return path.substr(0, webhook_in(path));
  }

  const std::shared_ptr<const N8n> owner_;
  const N8nVisit visit_;
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
      credential_(api_key.empty() ? "" : "Authorization: Bearer " + api_key + "\r\n"),
      request_head_(service_->head_to("POST", service_->path()) +
                    std::string(AnswerDecoder::kAccept) + "Content-Type: application/json\r\n" +
                    credential_) {}

std::unique_ptr<Call> N8n::start(net::Worker& worker, Question question) {
  return std::make_unique<HttpCall>(
      service_, worker, std::make_unique<Message>(shared_from_this(), std::move(question)));
}

std::unique_ptr<Call> N8n::start(net::Worker& worker, N8nVisit visit) {
  return std::make_unique<HttpCall>(service_, worker,
                                    std::make_unique<Visit>(shared_from_this(), std::move(visit)));
}

std::string_view N8n::webhook_path() const noexcept {
  const std::string_view path = service_->path();
  const auto at = webhook_in(path);
  return at == path.size() ? std::string_view{} : path.substr(at, path.find('?', at) - at);
}

std::string N8n::payload(const Question& question, std::string_view token) {
  std::string out;
  out.reserve(1024 + question.message.size() + question.context_json.size());
  out += "{\"message\":";
  text::append_json_string(out, question.message);
  append_member(out, "session_id", question.session_handle);
  if (!question.user.empty()) append_member(out, "user_id", question.user);
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

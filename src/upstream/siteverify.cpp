#include "upstream/siteverify.hpp"

#include "base/text.hpp"
#include "upstream/http_call.hpp"
#include "upstream/siteverify_answer.hpp"

namespace portcullis::upstream {
namespace {

/// What a provider that was away is asked about: a token that it has given to nobody.
constexpr std::string_view kProbe = "portcullis-probe";
/// More than a breaker wants to see before it closes.
constexpr int kMostProbes = 5;

void field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!out.empty()) out += '&';
  (out += name) += '=';
  text::append_percent_encoded(out, value);
}

/// A question that was refused as it stands is answered: the token is none.
bool is_refusal(const Error& error) {
  return error.code == ErrorCode::malformed && error.origin == ErrorOrigin::gateway;
}

}  // namespace

class Siteverify::Query final : public HttpDialect {
 public:
  Query(std::shared_ptr<const Siteverify> owner, std::string body, std::string id,
        std::string caller, identity::CaptchaAnswer& answer)
      : owner_(std::move(owner)),
        body_(std::move(body)),
        id_(std::move(id)),
        caller_(std::move(caller)),
        answer_(answer) {}

  HttpRequest request(WallTime) override { return {owner_->head_, body_}; }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    (void)head;
    return std::make_unique<SiteverifyDecoder>(answer_);
  }
  std::string_view message_id() const noexcept override { return id_; }
  std::string_view session_handle() const noexcept override { return caller_; }

 private:
  const std::shared_ptr<const Siteverify> owner_;
  const std::string body_;
  const std::string id_;
  const std::string caller_;
  identity::CaptchaAnswer& answer_;
};

Result<std::shared_ptr<Siteverify>> Siteverify::make(SiteverifyOptions options,
                                                     observe::Metrics& metrics, observe::Log& log,
                                                     OnTurn on_turn) {
  TRY(auto service, HttpService::make(options.service, metrics, log));
  return std::shared_ptr<Siteverify>(
      new Siteverify(std::move(options), std::move(service), std::move(on_turn)));
}

Siteverify::Siteverify(SiteverifyOptions options, std::shared_ptr<HttpService> service,
                       OnTurn on_turn)
    : options_(std::move(options)),
      service_(std::move(service)),
      on_turn_(std::move(on_turn)),
      head_(service_->head_to("POST", service_->path()) +
            "Accept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n") {}

Eventual<bool> Siteverify::ready(http::Exchange& exchange) {
  if (service_->breaker().state() == Breaker::State::closed) return true;
  return look(exchange);
}

/// Single probes, until one has no good answer or the breaker trusts the provider again.
Task<bool> Siteverify::look(http::Exchange& exchange) {
  for (int i = 0; i < kMostProbes && service_->breaker().state() != Breaker::State::closed; ++i) {
    const auto answer = co_await ask(exchange, {std::string(kProbe), {}});
    if (!answer) co_return false;
  }
  co_return service_->breaker().state() == Breaker::State::closed;
}

Task<Result<identity::CaptchaAnswer>> Siteverify::verify(http::Exchange& exchange,
                                                         identity::CaptchaQuestion question) {
  auto answer = co_await ask(exchange, std::move(question));
  if (answer) co_return answer;
  const auto& error = answer.error();
  if (is_refusal(error)) co_return identity::CaptchaAnswer{};
  // A visitor may have a token that something on the way dislikes: what tells is a token of ours.
  if (error.origin == ErrorOrigin::upstream && co_await ask(exchange, {std::string(kProbe), {}})) {
    co_return identity::CaptchaAnswer{};
  }
  co_return answer;
}

Task<Result<identity::CaptchaAnswer>> Siteverify::ask(http::Exchange& exchange,
                                                      identity::CaptchaQuestion question) {
  identity::CaptchaAnswer answer;
  HttpCall call(service_, exchange.worker(),
                std::make_unique<Query>(shared_from_this(), body_for(exchange, question.token),
                                        std::string(exchange.request_id.view()),
                                        std::move(question.caller), answer));
  // A drain lets it come to its end, which is near.
  exchange.set_hook([&exchange, &call] {
    if (exchange.gone()) call.cancel();
  });
  const auto outcome = co_await call.next();
  exchange.set_hook({});
  note(outcome ? Error{} : outcome.error());
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return answer;
}

std::string Siteverify::body_for(const http::Exchange& exchange, std::string_view token) const {
  std::string out;
  field(out, "secret", options_.secret);
  field(out, "response", token);
  if (options_.sends_site_key) field(out, "sitekey", options_.site_key);
  if (options_.sends_address) field(out, "remoteip", exchange.client.address.text());
  return out;
}

void Siteverify::note(const Error& why) {
  const std::lock_guard lock(mutex_);
  const bool away = service_->breaker().state() != Breaker::State::closed;
  if (away_.exchange(away) != away) on_turn_(options_.provider, away, why);
}

}  // namespace portcullis::upstream

#include "upstream/openid_provider.hpp"

#include <boost/json.hpp>

#include "base/origin.hpp"
#include "base/text.hpp"
#include "config/upstream_values.hpp"
#include "crypto/digest.hpp"
#include "http/json_body.hpp"
#include "identity/jwks.hpp"
#include "upstream/http_call.hpp"
#include "upstream/whole_decoder.hpp"

namespace portcullis::upstream {
namespace {

using identity::JwtFault;
using identity::JwtResult;
using identity::UserClaims;

constexpr http::JsonLimits kLimits{.max_depth = 8, .max_keys = 256};

/// Hands on the whole document.
class DocumentDecoder final : public WholeDecoder {
 public:
  explicit DocumentDecoder(std::string& out)
      : WholeDecoder(OpenIdProvider::kMaxDocumentBytes, "the document is too long"), out_(out) {}
  Result<void> finish(std::vector<std::string>& pieces) override {
    (void)pieces;
    out_ = std::move(held_);
    return {};
  }

 private:
  std::string& out_;
};

/// Where a provider's own description says that its keys are.
Result<std::string> keys_url_in(std::string_view document, std::string_view issuer) {
  const auto parsed = http::parse_json(document, kLimits);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return unusable("the provider's configuration is no JSON object");
  const auto text = [object](std::string_view name) -> std::string_view {
    const auto* member = object->if_contains(name);
    const auto* value = member == nullptr ? nullptr : member->if_string();
    return value == nullptr ? std::string_view() : std::string_view(value->data(), value->size());
  };
  // Else a provider could speak for another (OpenID Connect Discovery section 4.3).
  if (text("issuer") != issuer)
    return unusable("the provider's configuration names another issuer");
  const std::string url(
      text("jwks_uri"));  // What an https provider says may not lead to this machine's own ports.
  const bool is_lesser = issuer.starts_with("https://") && !url.starts_with("https://");
  if (is_lesser || config::protected_url_fault(url)) {
    return unusable("the provider's jwks_uri is not acceptable");
  }
  return url;
}

}  // namespace

/// A document that is asked for.
class OpenIdProvider::Fetch final : public HttpDialect {
 public:
  Fetch(const HttpService& service, std::string id, std::string& out)
      : head_(service.head_to("GET", service.path()) + "Accept: application/json\r\n"),
        id_(std::move(id)),
        out_(out) {}

  HttpRequest request(WallTime) override { return {head_, {}}; }
  std::unique_ptr<Decoder> decoder(const http::ResponseHeadView& head) override {
    (void)head;
    return std::make_unique<DocumentDecoder>(out_);
  }
  std::string_view message_id() const noexcept override { return id_; }
  std::string_view session_handle() const noexcept override { return {}; }

 private:
  const std::string head_;
  const std::string id_;
  std::string& out_;
};

/// Until the one who looks has come back.
class OpenIdProvider::Waiting {
 public:
  Waiting(OpenIdProvider& provider, net::Worker& worker) : provider_(provider), worker_(worker) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) {
    const std::lock_guard lock(provider_.mutex_);
    if (!provider_.looking_ || provider_.waiting_.size() >= kMaxWaiting) return false;
    waiter_ = waiter;
    provider_.waiting_.push_back(this);
    return true;
  }
  void await_resume() const noexcept {}
  /// From any thread. This object may be gone when it returns.
  void wake() {
    worker_.post([waiter = waiter_] { waiter.resume(); });
  }

 private:
  OpenIdProvider& provider_;
  net::Worker& worker_;
  std::coroutine_handle<> waiter_;
};

Result<std::shared_ptr<OpenIdProvider>> OpenIdProvider::make(OpenIdProviderOptions options,
                                                             observe::Metrics& metrics,
                                                             observe::Log& log, OnTurn on_turn) {
  if (auto ruled = options.rules.claims.check(); !ruled) return std::unexpected(ruled.error());
  TRY(auto service, HttpService::make(options.service, metrics, log));
  service->keep_nothing();
  return std::shared_ptr<OpenIdProvider>(
      new OpenIdProvider(std::move(options), std::move(service), metrics, std::move(on_turn)));
}

Eventual<OpenIdProvider::Verdict> OpenIdProvider::verify(http::Exchange& exchange,
                                                         std::string_view token) {
  const auto now = exchange.worker().clock().monotonic();
  if (const auto keys = known(now)) {
    auto verdict = judge(*keys, token, exchange.started_wall());
    // A key may be replaced under its old name, or have none.
    const bool is_strange = !verdict && (verdict.error().fault == JwtFault::unknown_key ||
                                         verdict.error().fault == JwtFault::bad_signature);
    const bool is_old = now - keys->fetched >= options_.refresh;
    if (!is_strange && (!is_old || !is_time_to_look(now))) return Verdict(std::move(verdict));
  }
  return look_and_verify(exchange, std::string(token));
}

Task<OpenIdProvider::Verdict> OpenIdProvider::look_and_verify(http::Exchange& exchange,
                                                              std::string token) {
  const auto self = shared_from_this();
  auto& worker = exchange.worker();
  Error why{.code = ErrorCode::unavailable,
            .origin = ErrorOrigin::upstream,
            .detail = "the keys of the OpenID provider are not there"};
  if (begin_look(worker.clock().monotonic())) {
    auto found = co_await look(exchange);
    if (!found) why.detail += ": " + found.error().detail;
    end_look(std::move(found), worker.clock().monotonic());
  } else {
    co_await Waiting(*this, worker);
  }
  const auto keys = known(worker.clock().monotonic());
  if (!keys) co_return std::unexpected(std::move(why));
  co_return judge(*keys, token, exchange.started_wall());
}

std::string_view OpenIdProvider::health() const noexcept {
  if (away_) return "degraded";
  return asked_ ? "healthy" : "unasked";
}

std::shared_ptr<const OpenIdProvider::Known> OpenIdProvider::known(MonotonicTime now) const {
  const std::lock_guard lock(mutex_);
  if (!known_ || now - known_->fetched > kMaxStale) return nullptr;
  return known_;
}

bool OpenIdProvider::is_time_to_look(MonotonicTime now) const {
  const std::lock_guard lock(mutex_);
  return !looking_ && now >= next_look_;
}

bool OpenIdProvider::begin_look(MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  if (looking_ || now < next_look_) return false;
  return looking_ = true;
}

void OpenIdProvider::end_look(Result<Known> found, MonotonicTime now) {
  std::vector<Waiting*> waiting;
  {
    const std::lock_guard lock(mutex_);
    looking_ = false;
    next_look_ = now + kLookGap;
    if (found) known_ = std::make_shared<const Known>(*std::move(found));
    waiting.swap(waiting_);
  }
  for (auto* one : waiting) one->wake();
  const bool away = !found;
  asked_ = true;
  if (away_.exchange(away) != away) on_turn_(away, away ? found.error() : Error{});
}

Task<Result<OpenIdProvider::Known>> OpenIdProvider::look(http::Exchange& exchange) {
  auto service = service_;
  if (options_.discovers) {
    auto document = co_await fetch(exchange, service_);
    if (!document) co_return std::unexpected(std::move(document).error());
    auto url = keys_url_in(*document, options_.rules.claims.issuer);
    if (!url) co_return std::unexpected(std::move(url).error());
    auto found = service_at(*std::move(url));
    if (!found) co_return std::unexpected(std::move(found).error());
    service = *std::move(found);
  }
  const auto text = co_await fetch(exchange, service);
  if (!text) co_return std::unexpected(text.error());
  auto set = identity::parse_jwks(*text);
  if (!set) co_return std::unexpected(std::move(set).error());
  auto keys = identity::JwtKeys::make(std::move(set->keys));
  if (!keys) {
    co_return fail(ErrorCode::malformed, "the provider's key set has no key of use",
                   ErrorOrigin::upstream);
  }
  auto tokens = identity::ForeignTokens::make(options_.rules, *std::move(keys));
  if (!tokens) co_return std::unexpected(std::move(tokens).error());
  co_return Known{*std::move(tokens), exchange.worker().clock().monotonic()};
}

/// That of the last look, where it is the same. REQUIRES: by the one who looks.
Result<std::shared_ptr<HttpService>> OpenIdProvider::service_at(std::string url) {
  if (!keys_service_ || keys_service_->options().url != url) {
    auto options = options_.service;
    options.url = std::move(url);
    TRY(keys_service_, HttpService::make(std::move(options), metrics_, service_->log()));
    keys_service_->keep_nothing();
  }
  return keys_service_;
}

Task<Result<std::string>> OpenIdProvider::fetch(http::Exchange& exchange,
                                                std::shared_ptr<HttpService> service) {
  std::string out;
  auto dialect = std::make_unique<Fetch>(*service, std::string(exchange.request_id.view()), out);
  HttpCall call(std::move(service), exchange.worker(), std::move(dialect));
  // Others wait for it, so that a client cannot end it by leaving; the end of the program can.
  exchange.set_hook([&exchange, &call] {
    if (exchange.draining() && exchange.gone()) call.cancel();
  });
  const auto outcome = co_await call.next();
  exchange.set_hook({});
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return out;
}

JwtResult<UserClaims> OpenIdProvider::judge(const Known& known, std::string_view token,
                                            WallTime now) const {
  TRY(auto found, known.tokens.verify(token, now));
  UserClaims out;
  (out.subject = kSubjectMark) += found.subject;
  out.grants = options_.roles.grants_of(found.claims);
  // One without an id that is of use is known by what was signed: a signature may have a twin.
  out.id =
      identity::is_token_id(found.id)
          ? std::move(found.id)
          : text::base64url(crypto::bytes_of(crypto::sha256(token.substr(0, token.rfind('.')))));
  out.issued = found.issued;
  out.expires = found.expires;
  return out;
}

}  // namespace portcullis::upstream

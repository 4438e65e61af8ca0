#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "identity/captcha_verifier.hpp"
#include "upstream/http_service.hpp"

namespace portcullis::upstream {

struct SiteverifyOptions {
  HttpServiceOptions service;  ///< url: the provider's
  std::string provider;        ///< as events call it
  std::string site_key;
  std::string secret;
  std::string script_url;
  bool sends_site_key = false;  ///< the provider refuses tokens of other keys then
  bool sends_address = false;
};

/// A provider of captchas, asked over HTTP by the protocol that reCAPTCHA began and others speak.
///
/// A call that fails opens the breaker: the provider is away. While it is, nobody is sent there,
/// and whoever would be looks for it first, at most once in the breaker's time, by asking about a
/// token that nobody was given: any orderly answer will do.
///
/// Threads:   any worker; pools belong to their worker.
/// Ownership: as an Assistant: the last configuration that has it lets it go, after retire() on
/// each
///            worker.
class Siteverify final : public identity::CaptchaVerifier,
                         public std::enable_shared_from_this<Siteverify> {
 public:
  /// Told once for each time that it goes or comes, on the worker that noticed.
  using OnTurn = std::function<void(std::string_view provider, bool away, const Error& why)>;

  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<Siteverify>> make(SiteverifyOptions options,
                                                  observe::Metrics& metrics, observe::Log& log,
                                                  OnTurn on_turn);

  Eventual<bool> ready(http::Exchange& exchange) override;
  Task<Result<identity::CaptchaAnswer>> verify(http::Exchange& exchange,
                                               identity::CaptchaQuestion question) override;
  bool away() const noexcept override { return away_; }
  const std::string& site_key() const noexcept override { return options_.site_key; }
  const std::string& script_url() const noexcept override { return options_.script_url; }

  void retire(net::Worker& worker) { service_->retire(worker); }

 private:
  class Query;
  Siteverify(SiteverifyOptions options, std::shared_ptr<HttpService> service, OnTurn on_turn);
  std::string body_for(const http::Exchange& exchange, std::string_view token) const;
  Task<Result<identity::CaptchaAnswer>> ask(http::Exchange& exchange,
                                            identity::CaptchaQuestion question);
  Task<bool> look(http::Exchange& exchange);
  void note(const Error& why);

  const SiteverifyOptions options_;
  const std::shared_ptr<HttpService> service_;
  const OnTurn on_turn_;
  const std::string head_;
  std::mutex mutex_;  ///< turns are told in their order
  std::atomic<bool> away_{false};
};

}  // namespace portcullis::upstream

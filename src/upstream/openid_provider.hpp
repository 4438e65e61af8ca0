#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "identity/foreign_tokens.hpp"
#include "identity/provider_tokens.hpp"
#include "identity/role_map.hpp"
#include "upstream/http_service.hpp"

namespace portcullis::upstream {

struct OpenIdProviderOptions {
  std::string identity;        ///< what makes two configurations of a provider the same
  HttpServiceOptions service;  ///< url: of the JWK Set, or of the document that says where it is
  bool discovers = true;       ///< the latter
  identity::ForeignTokens::Rules rules;
  identity::RoleMap roles;
  Seconds refresh{3600};  ///< how old keys get before they are fetched anew
};

/// An OpenID provider whose tokens are accepted. Its keys are fetched when the first token comes,
/// and again when they are old or a token does not verify by any of them. One request fetches
/// them; others go on with the keys that are there, or wait where there are none.
///
/// Failure: keys serve on while the provider is away, for kMaxStale; without any, tokens cannot be
///          judged. It is asked at most once in kLookGap, whatever tokens strangers make up.
/// Threads: any worker.
/// Bounds:  kMaxWaiting wait; a look has the service's total time for each of two documents.
/// Cost:    that of ForeignTokens::verify and a lock for as long as a pointer is copied.
/// Source:  OpenID Connect Discovery 1.0 section 4, OpenID Connect Core section 10.1.1.
class OpenIdProvider final : public identity::ProviderTokens,
                             public std::enable_shared_from_this<OpenIdProvider> {
 public:
  static constexpr Milliseconds kLookGap{10'000};
  static constexpr Seconds kMaxStale{24 * 3600};
  static constexpr std::size_t kMaxWaiting = 256;
  static constexpr std::size_t kMaxDocumentBytes = 64 * 1024;

  /// Told once for each time that it goes or comes, on the worker that noticed.
  using OnTurn = std::function<void(bool away, const Error& why)>;

  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<OpenIdProvider>> make(OpenIdProviderOptions options,
                                                      observe::Metrics& metrics, observe::Log& log,
                                                      OnTurn on_turn);

  using Verdict = Result<identity::JwtResult<identity::UserClaims>>;
  Eventual<Verdict> verify(http::Exchange& exchange, std::string_view token) override;
  std::string_view health() const noexcept override;
  const std::string& identity() const noexcept { return options_.identity; }

 private:
  struct Known {
    identity::ForeignTokens tokens;
    MonotonicTime fetched;
  };
  class Waiting;
  class Fetch;
  OpenIdProvider(OpenIdProviderOptions options, std::shared_ptr<HttpService> service,
                 observe::Metrics& metrics, OnTurn on_turn)
      : options_(std::move(options)),
        service_(std::move(service)),
        metrics_(metrics),
        on_turn_(std::move(on_turn)) {}

  std::shared_ptr<const Known> known(MonotonicTime now) const;
  bool is_time_to_look(MonotonicTime now) const;
  bool begin_look(MonotonicTime now);
  Task<Verdict> look_and_verify(http::Exchange& exchange, std::string token);
  Task<Result<Known>> look(http::Exchange& exchange);
  Result<std::shared_ptr<HttpService>> service_at(std::string url);
  static Task<Result<std::string>> fetch(http::Exchange& exchange,
                                         std::shared_ptr<HttpService> service);
  void end_look(Result<Known> found, MonotonicTime now);
  identity::JwtResult<identity::UserClaims> judge(const Known& known, std::string_view token,
                                                  WallTime now) const;

  const OpenIdProviderOptions options_;
  const std::shared_ptr<HttpService> service_;
  observe::Metrics& metrics_;
  const OnTurn on_turn_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Known> known_;
  std::shared_ptr<HttpService> keys_service_;  ///< where discovery led last
  bool looking_ = false;
  MonotonicTime next_look_{};
  std::vector<Waiting*> waiting_;
  std::atomic<bool> asked_{false};
  std::atomic<bool> away_{false};
};

}  // namespace portcullis::upstream

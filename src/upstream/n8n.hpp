#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "identity/upstream_tokens.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "upstream/assistant.hpp"
#include "upstream/breaker.hpp"
#include "upstream/connection_pool.hpp"

namespace portcullis::upstream {

struct N8nOptions {
  std::string name;  ///< metric label: the site
  std::string url;
  std::string api_key;
  std::string ca_file;
  std::string app_name;
  Milliseconds connect_timeout{2000};
  Milliseconds first_byte_timeout{30'000};
  Milliseconds idle_timeout{120'000};
  std::size_t max_connections = 100;  ///< over all workers
  std::size_t keep_alive = 20;        ///< over all workers
  std::size_t max_answer_bytes = 1 << 20;
  int tries = 3;
  Milliseconds retry_delay{1000};
  int retry_budget_percent = 20;
  Breaker::Options breaker;
  unsigned workers = 1;
};

/// An n8n webhook: posts the message with a token minted for it and decodes whatever form the
/// answer has.
///
/// Threads:   start() from any worker; pools belong to their worker, breaker and budget are shared.
/// Ownership: calls keep the object alive. A pool keeps connections for as long as the
///            configuration that made it is in force; after retire() its object may be freed on
///            any thread.
/// Failure:   retries only what cannot have been executed (no connection, 429 and 503 with
/// Retry-After),
///            before the first byte of an answer, with jittered exponential delay and out of a
///            budget.
class N8n final : public Assistant, public std::enable_shared_from_this<N8n> {
 public:
  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<N8n>> make(N8nOptions options, identity::UpstreamTokens tokens,
                                           observe::Metrics& metrics, observe::Log& log);

  std::string_view name() const noexcept override { return "n8n"; }
  std::unique_ptr<Call> start(net::Worker& worker, Question question) override;
  void retire(net::Worker& worker) override;
  Health health() const override;
  std::int64_t retry_after() const override;

  Breaker& breaker() noexcept { return breaker_; }
  std::size_t open_connections() const override { return connections_->open(); }
  bool breaker_open() const override { return breaker_.state() != Breaker::State::closed; }

  /// The JSON body that is posted; README.md tells workflow authors what is in it.
  static std::string payload(const Question& question, std::string_view token);

 private:
  class N8nCall;
  N8n(N8nOptions options, identity::UpstreamTokens tokens, net::Target target,
      const std::string& path, const std::string& host_header, observe::Metrics& metrics,
      observe::Log& log);
  ConnectionPool& pool_of(net::Worker& worker);

  const N8nOptions options_;
  const identity::UpstreamTokens tokens_;
  const net::Target target_;
  const std::string request_head_;  ///< everything before Content-Length
  observe::Log& log_;
  enum class Outcome : std::uint8_t { ok, error, timeout, rejected, cancelled };
  void count(Outcome outcome) noexcept {
    outcomes_.add(outcome_cells_[static_cast<std::size_t>(outcome)]);
  }

  observe::CounterFamily& outcomes_;
  observe::CounterFamily& retries_;
  std::array<observe::CounterFamily::Cell, 5> outcome_cells_{};
  observe::CounterFamily::Cell retry_cell_ = 0;
  Breaker breaker_;
  RetryBudget budget_;
  const std::shared_ptr<ConnectionBudget> connections_;
  std::atomic<bool> retired_{false};
  std::atomic<std::int64_t> last_success_{0};
  std::atomic<std::int64_t> last_failure_{0};
  std::vector<std::shared_ptr<ConnectionPool>>
      pools_;  ///< by worker; each slot is made and used on its own worker only
};

}  // namespace portcullis::upstream

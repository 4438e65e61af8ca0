#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "upstream/breaker.hpp"
#include "upstream/connection_pool.hpp"

namespace portcullis::upstream {

struct HttpServiceOptions {
  std::string name;  ///< metric label: the site
  std::string url;
  std::string ca_file;
  std::string client_certificate;  ///< what it is shown, a chain in PEM; empty: nothing
  std::string client_key;
  std::string user_agent;
  Milliseconds connect_timeout{2000};
  Milliseconds first_byte_timeout{30'000};
  Milliseconds idle_timeout{120'000};
  Milliseconds total_timeout{0};      ///< of a whole call, its connecting included; 0: none
  std::size_t max_connections = 100;  ///< over all workers
  std::size_t keep_alive = 20;        ///< over all workers
  std::size_t max_answer_bytes = 1 << 20;
  int tries = 3;
  Milliseconds retry_delay{1000};
  int retry_budget_percent = 20;
  Breaker::Options breaker;
  unsigned workers = 1;
};

/// An upstream that is reached over HTTP: where it is, its connections, breaker, retry budget and
/// counters. What is said to it is a matter of HttpCall and its HttpDialect.
///
/// Threads:   any worker; pools belong to their worker, breaker and budgets are shared.
/// Ownership: calls keep the object alive. A pool keeps connections for as long as the
///            configuration that made it is in force; after retire() its object may be freed on
///            any thread.
class HttpService {
 public:
  /// @returns invalid_input for a URL or CA file that cannot be used.
  static Result<std::shared_ptr<HttpService>> make(HttpServiceOptions options,
                                                   observe::Metrics& metrics, observe::Log& log);

  const HttpServiceOptions& options() const noexcept { return options_; }
  /// Of the URL, as `Host` says it.
  const std::string& host() const noexcept { return host_header_; }
  /// Path and query of the URL.
  const std::string& path() const noexcept { return path_; }
  /// How a request to `path` here begins: request line, Host, User-Agent, and no compression.
  std::string head_to(std::string_view method, std::string_view path) const;

  void retire(net::Worker& worker);
  /// Each connection ends with its call, so that nothing has to be retired.
  void keep_nothing() noexcept { retired_ = true; }
  bool retired() const noexcept { return retired_; }
  ConnectionPool& pool_of(net::Worker& worker);
  Breaker& breaker() noexcept { return breaker_; }
  const Breaker& breaker() const noexcept { return breaker_; }
  RetryBudget& retry_budget() noexcept { return budget_; }
  std::size_t open_connections() const { return connections_->open(); }
  observe::Log& log() const noexcept { return log_; }

  enum class Outcome : std::uint8_t { ok, error, timeout, rejected, cancelled };
  void count(Outcome outcome) noexcept {
    outcomes_.add(outcome_cells_[static_cast<std::size_t>(outcome)]);
  }
  void count_retry() noexcept { retries_.add(retry_cell_); }

  /// When a call ended well, and when one failed, in seconds; 0: never.
  void note_success(WallTime now) noexcept { last_success_ = epoch_seconds(now); }
  void note_failure(WallTime now) noexcept { last_failure_ = epoch_seconds(now); }
  std::int64_t last_success() const noexcept { return last_success_; }
  std::int64_t last_failure() const noexcept { return last_failure_; }

 private:
  HttpService(HttpServiceOptions options, net::Target target, std::string path,
              std::string host_header, observe::Metrics& metrics, observe::Log& log);

  const HttpServiceOptions options_;
  const net::Target target_;
  const std::string path_;
  const std::string host_header_;
  observe::Log& log_;
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

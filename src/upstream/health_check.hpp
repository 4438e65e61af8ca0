#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "net/deadline.hpp"
#include "upstream/http_channel.hpp"

namespace portcullis::upstream {

/// How a service's targets are asked whether they are well.
struct HealthOptions {
  std::string path;  ///< on the target's host, whatever the path of its URL
  Milliseconds interval{10'000};
  Milliseconds timeout{2'000};
};

/// Asks one target at intervals whether it is well: an answer of 2xx or 3xx in time says so. It
/// takes kFailures in a row to be unwell, and kSuccesses to be well again; its breaker is closed
/// then.
///
/// Threads:   is_well() and is_asking() any; the rest on the worker that it was started on.
/// Ownership: a question under way keeps it alive. stop_on() before that worker goes.
/// Cost:      a connection for each question.
class HealthCheck : public std::enable_shared_from_this<HealthCheck> {
 public:
  static constexpr int kFailures = 3;
  static constexpr int kSuccesses = 2;

  /// `options`: those of the target. @returns invalid_input where they cannot be used.
  static Result<std::shared_ptr<HealthCheck>> make(std::shared_ptr<HttpService> target,
                                                   HttpServiceOptions options,
                                                   const HealthOptions& health,
                                                   observe::Metrics& metrics);

  /// The first question is asked at once. Nothing where it was started before.
  void start(net::Worker& worker);
  /// Where it was started on this worker.
  void stop_on(const net::Worker& worker);

  /// Until it is known, it is.
  bool is_well() const noexcept { return well_; }
  bool is_asking() const noexcept { return asking_; }

 private:
  HealthCheck(std::shared_ptr<HttpService> target, std::shared_ptr<HttpService> door,
              HealthOptions options)
      : target_(std::move(target)), door_(std::move(door)), options_(std::move(options)) {}
  static void on_time(void* self);
  static Task<void> ask(std::shared_ptr<HealthCheck> self);
  Task<bool> is_good(HttpChannel& channel) const;
  void note(bool good);

  const std::shared_ptr<HttpService> target_;
  const std::shared_ptr<HttpService> door_;  ///< to the same, with connections and times of its own
  const HealthOptions options_;
  net::Worker* worker_ = nullptr;
  std::optional<net::DeadlineTimer> timer_;
  HttpChannel* channel_ = nullptr;  ///< of the question under way
  int streak_ = 0;                  ///< answers in a row that say otherwise
  std::atomic<bool> well_{true};
  std::atomic<bool> asking_{false};
};

}  // namespace portcullis::upstream

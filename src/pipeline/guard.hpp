#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.hpp"
#include "base/eventual.hpp"
#include "base/result.hpp"
#include "http/exchange.hpp"
#include "http/problem.hpp"
#include "pipeline/route.hpp"

namespace portcullis::pipeline {

/// What an event says about a refusal or a failure, beside what the exchange knows.
struct Incident {
  audit::EventType type = audit::EventType::network_security;
  audit::ThreatLevel level = audit::ThreatLevel::low;
  std::string code;         ///< VAL_005, RATE_003, …
  std::string description;  ///< for operators; no text of visitors
  std::vector<std::string> further_codes{};
  std::map<std::string, std::string> details{};  ///< no text of visitors either
};

/// What a guard says of a request.
struct Verdict {
  enum class Kind : std::uint8_t { pass, refuse, challenge };
  Kind kind = Kind::pass;
  http::Problem problem;
  Incident incident;

  static Verdict pass() { return {}; }
  static Verdict refuse(http::Problem problem, Incident incident) {
    return {Kind::refuse, std::move(problem), std::move(incident)};
  }
  /// Asks the client to solve a task first; until tasks exist this is a refusal.
  static Verdict challenge(Incident incident) {
    return {Kind::challenge, http::Problem(http::Code::challenge_required), std::move(incident)};
  }
};

/// A verdict at once, or a task that will yield it. A guard that never waits pays for no coroutine.
using Decision = Eventual<Result<Verdict>>;

/// Looks at an exchange and says whether it may go on.
///
/// Threads: any worker; immutable after start. What a request teaches is written into the exchange.
class Guard {
 public:
  virtual ~Guard() = default;
  /// Metric label, event field and key below `guards` in the settings.
  virtual std::string_view name() const noexcept = 0;
  /// Runs on the connection's worker and never blocks it. An Error means "could not decide": the
  /// pipeline then applies this guard's on_error setting.
  virtual Decision on_request(http::Exchange& exchange) const = 0;
};

/// Learns of every refusal that a guard makes and that has effect.
///
/// Threads: any worker.
class RefusalObserver {
 public:
  virtual ~RefusalObserver() = default;
  /// Before the refusal is reported and answered; the exchange knows its error code.
  virtual Task<void> refused(const http::Exchange& exchange, const Incident& incident) const = 0;
};

/// Learns of every credential that a handler found wrong, as guards find others.
///
/// Threads: any worker.
class FailedLoginObserver {
 public:
  virtual ~FailedLoginObserver() = default;
  /// @returns what the caller is refused with instead, where that was one too many.
  virtual Task<std::optional<Verdict>> failed(http::Exchange& exchange) const = 0;
};

}  // namespace portcullis::pipeline

#pragma once
#include <optional>

#include "config/settings.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// What a request of each class is charged to, and what follows where a limit is reached. The rate
/// guard and the claim guard decide by it.
///
/// Threads: immutable; any worker.
class Charges {
 public:
  Charges(const config::Settings& settings, observe::Metrics& metrics);

  /// Adds the windows of this class; with `session`, a message's, the session's too.
  void add(state::AdmitRequest& request, const http::Exchange& exchange, pipeline::RouteClass cls,
           const http::SessionClaims* session) const;
  /// Notes the tier that decided for the limit headers; a refusal where one is over its limit.
  pipeline::Verdict judge(http::Exchange& exchange, const state::AdmitRequest& request,
                          const state::Admission& admission) const;

 private:
  const std::uint32_t chat_minute_, chat_hour_, session_minute_, api_minute_, light_minute_;
  observe::CounterFamily& limited_;
};

}  // namespace portcullis::guards

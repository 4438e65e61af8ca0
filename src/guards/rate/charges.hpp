#pragma once
#include <optional>

#include "config/settings.hpp"
#include "observe/metrics.hpp"
#include "pipeline/guard.hpp"
#include "state/block_table.hpp"
#include "state/store.hpp"

namespace portcullis::guards {

/// What a request of each class is charged to, and what follows where a limit is reached. The rate
/// guard and the claim guard decide by it.
///
/// Threads: immutable; any worker.
class Charges {
 public:
  /// `guard`: the name of the one that decides by it.
  Charges(std::string_view guard, const config::Settings& settings, state::BlockTable& blocks,
          observe::Metrics& metrics);

  /// Adds the windows of this class; with `session`, a message's, the session's too. The
  /// address is throttled for its own windows, a session for its own.
  void add(state::AdmitRequest& request, const http::Exchange& exchange, pipeline::RouteClass cls,
           const http::SessionClaims* session) const;
  /// Notes the tier that decided for the limit headers; a refusal where one is over its limit, or
  /// the pace of a throttled address. Who goes on far beyond it is blocked.
  pipeline::Verdict judge(http::Exchange& exchange, const state::AdmitRequest& request,
                          const state::Admission& admission) const;

 private:
  bool may_block(const http::Exchange& exchange) const;

  const std::string_view guard_;
  const AddressSet never_blocked_;
  const bool automatic_;
  const Seconds first_block_;
  state::BlockTable& blocks_;
  const std::uint32_t chat_minute_, chat_hour_, session_minute_, api_minute_, light_minute_;
  observe::CounterFamily& limited_;
};

}  // namespace portcullis::guards

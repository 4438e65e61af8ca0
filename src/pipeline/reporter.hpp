#pragma once
#include <functional>

#include "audit/sink.hpp"
#include "config/settings.hpp"
#include "http/exchange.hpp"
#include "pipeline/guard.hpp"

namespace portcullis::pipeline {

/// Turns what went wrong with an exchange into an event and an answer. Guards' refusals and
/// handlers' failures both go through here, so every error a client sees has an event with the same
/// id. The answer is problem details, or what the route's RefusalForm makes of them.
///
/// Threads: any worker.
class Reporter {
 public:
  using HandleOf = std::function<std::string(const http::SessionClaims&)>;

  /// `session_handle` names a session for the audience "audit".
  Reporter(audit::Sink* sink, bool debug, HandleOf session_handle)
      : sink_(sink), debug_(debug), session_handle_(std::move(session_handle)) {}

  /// Whom and what an event is about; taken from an exchange, and valid beyond it.
  struct Subject {
    IpAddress address;
    std::string endpoint;
    std::string method;
    std::string user_agent;
    std::string user_id;
    std::string session;
    std::string request_id;
    std::string site;
    std::string guard;
    std::string tier;
  };
  Subject subject_of(const http::Exchange& exchange) const;

  /// Records an event and returns its id.
  Ulid report(const Subject& subject, WallTime now, const Incident& incident,
              audit::EventDecision decision) const;
  Ulid report(const http::Exchange& exchange, const Incident& incident,
              audit::EventDecision decision, std::string_view guard = {}) const;
  /// Reports and answers with problem details.
  Task<void> refuse(http::Exchange& exchange, http::Problem problem, Incident incident,
                    std::string_view guard = {}) const;
  /// Reports that the state store failed a handler, and answers 503.
  Task<void> refuse_without_state(http::Exchange& exchange, const Error& failure) const;
  /// Answers with problem details about an event that is recorded already, or about what needs none
  /// (404 on a favicon).
  Task<void> answer(http::Exchange& exchange, http::Problem problem, std::optional<Ulid> event = {},
                    std::string_view reason = {}) const;

 private:
  Task<void> send(http::Exchange& exchange, const http::Problem& problem, const Ulid& id,
                  std::string_view reason) const;

  audit::Sink* sink_;  ///< null: monitoring is switched off
  bool debug_;
  HandleOf session_handle_;
};

}  // namespace portcullis::pipeline

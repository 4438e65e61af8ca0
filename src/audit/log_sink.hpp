#pragma once
#include "audit/sink.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace portcullis::audit {

/// Writes events to the log, each with the key word that operators of the chat proxy search for:
/// RATE_LIMIT_EXCEEDED, VALIDATION_ERROR, AUTH_FAILED, else SECURITY_ALERT.
///
/// Threads: safe from any.
class LogSink final : public Sink {
 public:
  LogSink(observe::Log& log, observe::Metrics& metrics);
  void record(const Event& event) override;

  static std::string_view key_word(EventType type) noexcept;

 private:
  observe::Log& log_;
  observe::CounterFamily& count_;
};

}  // namespace portcullis::audit

#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/worker.hpp"

namespace portcullis::upstream {

/// Something that was said before in the conversation.
struct PastMessage {
  enum class Role : std::uint8_t { user, assistant };
  Role role = Role::user;
  std::string text;
};

/// A visitor's message on its way to what answers. Everything in it has passed the guards.
struct Question {
  std::string message_id;
  std::string message;
  std::string session_handle;  ///< what upstreams may know the session by
  std::string user;            ///< of the site, whom its server named; empty: nobody is known
  std::string origin_domain;
  std::string page_url;
  std::string user_agent;
  std::string address;
  std::string fingerprint;
  std::uint32_t message_count = 0;
  std::string context_json;          ///< our own object of allowed keys; empty: none
  std::vector<PastMessage> history;  ///< oldest first; where the assistant wants it
  WallTime now;
};

/// One call under way: pieces of text, pulled one after the other, so that an upstream is read only
/// as fast as somebody takes its text.
///
/// Threads:   the worker it was started on.
/// Ownership: must not be destroyed while next() is awaited: cancel() first and let it return.
class Call {
 public:
  virtual ~Call() = default;
  /// The next piece of the answer; nullopt at its orderly end. Never empty text, always valid
  /// UTF-8. Errors: timeout, refused, unavailable (breaker, budget), malformed (no usable answer),
  /// closed (cut),
  ///         exhausted (connections), cancelled. `detail` is for the log.
  virtual Task<Result<std::optional<std::string>>> next() = 0;
  virtual void cancel() = 0;
  /// How long the upstream asked to be left alone when it refused last; 0: it did not say.
  virtual Seconds retry_after() const { return Seconds{0}; }
};

/// Something that answers visitors: n8n, a language model, a webhook, the demo.
///
/// Threads:   start() from any worker; the object is shared and immutable but for its counters.
/// Ownership: of the configurations and the calls that use it. The last of them may end on any
///            thread, so what belongs to a worker is given up before that, in retire().
class Assistant {
 public:
  virtual ~Assistant() = default;
  virtual std::string_view name() const noexcept = 0;
  virtual std::unique_ptr<Call> start(net::Worker& worker, Question question) = 0;
  /// The configuration in force has done with it: keeps nothing on `worker` any more but what its
  /// calls there use until they end. On the worker's thread, once for each worker.
  virtual void retire(net::Worker& worker) { (void)worker; }

  /// How much of the conversation so far it wants to be told, in tokens; 0: it keeps that itself.
  virtual std::size_t history_tokens() const noexcept { return 0; }

  /// For /health: what is known without asking.
  enum class Health : std::uint8_t { healthy, unhealthy, unknown };
  virtual Health health() const = 0;
  /// Seconds until a call may be tried again; 0 outside of an open breaker.
  virtual std::int64_t retry_after() const { return 0; }
  virtual std::size_t open_connections() const { return 0; }
  virtual bool breaker_open() const { return false; }
};

}  // namespace portcullis::upstream

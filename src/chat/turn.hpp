#pragma once
#include <memory>
#include <string>

#include "audit/event.hpp"
#include "chat/outbox.hpp"
#include "chat/session_stream.hpp"
#include "http/problem.hpp"
#include "net/deadline.hpp"
#include "observe/metrics.hpp"
#include "state/store.hpp"
#include "upstream/assistant.hpp"

namespace portcullis::chat {

/// Outcomes of a message in the order of their cells in `portcullis_chat_messages_total`.
enum class TurnOutcome : std::uint8_t { answered, failed, cancelled, duplicate };

/// How a call to the assistant failed, in the visitor's terms.
struct TurnFailure {
  static TurnFailure of(const Error& error, const upstream::Assistant& assistant,
                        const upstream::Call& call);

  http::Code code = http::Code::upstream_error;
  std::optional<std::int64_t> retry_after;
  std::string reason;  ///< for operators
  bool cancelled = false;
};

/// One message's life: the call to the assistant, its pieces as events, the answer into the
/// history.
///
/// Threads:   the worker of the request that started it.
/// Ownership: shared by whoever waits for it; run() keeps it alive to its end.
/// Ends:      with the answer, a failure, or cancelled: at once when `wait_for_readers` is off and
/// the
///            client leaves; otherwise when nobody has read for the resume grace, or the ring is
///            full.
class Turn final : public TurnObserver, public std::enable_shared_from_this<Turn> {
 public:
  struct Parts {
    std::shared_ptr<SessionStream> stream;
    std::shared_ptr<upstream::Assistant> assistant;
    state::Store* store = nullptr;
    StreamHub* hub = nullptr;
    state::SessionId session{};
    upstream::Question question;
    bool publish = true;                ///< write events; false where nobody can read them
    bool keep_text = true;              ///< history of the site
    std::size_t keep_bytes = SIZE_MAX;  ///< an answer longer than this is not kept
    Milliseconds resume_grace{15'000};
    std::shared_ptr<const void> configuration;   ///< kept alive for what `report` refers to
    observe::CounterFamily* outcomes = nullptr;  ///< answered, failed, cancelled
    /// Records a failure as an event and gives its id for the visitor.
    std::function<std::string(const TurnFailure&)> report;
  };

  Turn(net::Worker& worker, Parts parts);

  /// Asks and reads to the end. After it: answer() or failure().
  Task<void> run();
  /// Nobody wants the answer any more.
  void cancel();
  /// Streamed turns live on their readers; call once before run().
  void live_on_readers();

  const std::string& answer() const noexcept { return answer_; }
  const std::optional<TurnFailure>& failure() const noexcept { return failure_; }
  const std::string& error_id() const noexcept { return error_id_; }
  const std::string& message_id() const noexcept { return message_id_; }

  void readers_changed(bool any) override;
  void room_available() override;
  void stop() override { cancel(); }

 private:
  static void on_grace_over(void* self);
  bool publish(const std::function<std::string(std::uint64_t)>& make, bool ends_message);
  bool has_past() const;
  Task<void> recall();
  Task<void> read_answer();

  net::Worker& worker_;
  Parts parts_;
  std::string message_id_;
  std::unique_ptr<upstream::Call> call_;
  std::shared_ptr<Outbox> outbox_;  ///< null where there is one node
  net::DeadlineTimer grace_;
  net::Signal room_;
  std::string answer_;
  std::optional<TurnFailure> failure_;
  std::string error_id_;
  bool on_readers_ = false;
  bool too_long_to_keep_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace portcullis::chat

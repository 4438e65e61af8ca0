#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "state/store.hpp"

namespace portcullis::state {

/// What becomes of requests while the shared store cannot be asked.
enum class FallbackPolicy : std::uint8_t {
  local,   ///< each node counts for itself, to its part of the limits
  open,    ///< no limits
  closed,  ///< errors
};

/// The shared store, and the one in this process for while that one does not answer.
///
/// Meanwhile a session that this node does not know is provisional: its token is good, half of the
/// limits hold for it, and it has no history. Sessions that are ended then, and what is revoked,
/// are remembered, to be told to the shared store before anything else is done there.
///
/// Threads: any.  Ownership: both stores outlive it.
/// Bounds:  kMaxPending ended sessions are remembered; of more the oldest are forgotten, so that
///          their tokens open empty sessions again. As many revocations; this node keeps knowing of
///          those that it cannot tell, and of those that the shared store has forgotten.
class FallbackStore final : public Store {
 public:
  static constexpr std::size_t kMaxPending = 10'000;

  /// `up`: whether the calling thread can ask the shared store. `fell_back`: called for each
  /// request that was answered without it.
  FallbackStore(Store& shared, Store& local, FallbackPolicy policy, std::function<bool()> up,
                std::function<void()> fell_back)
      : shared_(shared),
        local_(local),
        policy_(policy),
        up_(std::move(up)),
        fell_back_(std::move(fell_back)) {}

  /// How many nodes there are, or were when last somebody could tell.
  void set_nodes(std::size_t nodes) { nodes_ = std::max<std::size_t>(1, nodes); }

  /// Since when the shared store is away; what is kept here from before is out of date.
  void set_away_since(WallTime since) { away_since_ = since; }

  struct Ended {
    Key session{};
    WallTime created;
  };
  /// The sessions that were ended here alone so far, to be ended there.
  std::vector<Ended> take_ended();
  /// Gives back what could not be ended there.
  void give_back(std::vector<Ended> ended);
  /// The same of what was revoked here alone.
  std::vector<Revocation> take_revoked();
  void give_back(std::vector<Revocation> revoked);

  Eventual<Result<AdmitAnswer>> admit(const AdmitRequest& request) override;
  Eventual<Result<double>> note(const Key& subject, double points) override;
  Eventual<Result<bool>> session_created(const Key& session, WallTime created) override;
  Eventual<Result<BeginOutcome>> begin_message(NewMessage message) override;
  Eventual<Result<void>> add_answer(const SessionId& session, Message answer) override;
  Eventual<Result<void>> fail_message(const SessionId& session,
                                      std::string_view message_id) override;
  Eventual<Result<HistoryPage>> history(const SessionId& session, std::size_t limit,
                                        std::size_t offset) override;
  Eventual<Result<std::optional<Message>>> find_answer(const SessionId& session,
                                                       std::string_view message_id) override;
  Eventual<Result<void>> end_session(const SessionId& session, WallTime created) override;
  Eventual<Result<void>> revoke(const Revocation& revocation) override;
  void set_session_idle(Seconds idle) override;
  StoreFigures figures() const override;

 private:
  Eventual<Result<AdmitAnswer>> admit_here(AdmitRequest request);
  Eventual<Result<void>> end_here(const SessionId& session, WallTime created);
  Task<Result<AdmitAnswer>> admit_there(AdmitRequest request);
  bool is_revoked_here(const AdmitRequest& request);
  Task<Result<void>> end_there(SessionId session, WallTime created);
  Task<Result<void>> revoke_there(Revocation revocation);
  template <class T>
  void keep(std::vector<T>& pending, std::vector<T> more);
  template <class T, class Call>
  Eventual<Result<T>> ask(Call call);
  template <class T, class Call>
  Task<Result<T>> ask_there(Call call);

  Store& shared_;
  Store& local_;
  const FallbackPolicy policy_;
  const std::function<bool()> up_;
  const std::function<void()> fell_back_;
  std::atomic<std::size_t> nodes_{1};
  std::atomic<WallTime> away_since_{WallTime{}};
  std::mutex pending_mutex_;
  std::vector<Ended> ended_;
  std::vector<Revocation> revoked_;
};

}  // namespace portcullis::state

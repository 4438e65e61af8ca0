#pragma once
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/random.hpp"
#include "net/worker.hpp"
#include "state/store.hpp"

namespace portcullis::state {

/// A store as it behaves on a bad day, around a good one: it does at once what it is asked, but its
/// answers come 2 to 8 ms later and in any order, or every answer is an error. For tests of what
/// depends on a store; a setting that production refuses.
class SimulatedStore final : public Store {
 public:
  enum class Behaviour : std::uint8_t { slow, failing };

  SimulatedStore(std::unique_ptr<Store> inner, Behaviour behaviour)
      : inner_(std::move(inner)), behaviour_(behaviour) {}

  Eventual<Result<AdmitAnswer>> admit(const AdmitRequest& request) override {
    return later(inner_->admit(request));
  }
  Eventual<Result<double>> note(const Key& subject, double points) override {
    return later(inner_->note(subject, points));
  }
  Eventual<Result<bool>> session_created(const Key& session, WallTime created) override {
    return later(inner_->session_created(session, created));
  }
  Eventual<Result<BeginOutcome>> begin_message(NewMessage message) override {
    return later(inner_->begin_message(std::move(message)));
  }
  Eventual<Result<void>> add_answer(const SessionId& session, Message answer) override {
    return later(inner_->add_answer(session, std::move(answer)));
  }
  Eventual<Result<void>> fail_message(const SessionId& session, std::string_view id) override {
    return later(inner_->fail_message(session, id));
  }
  Eventual<Result<HistoryPage>> history(const SessionId& session, std::size_t limit,
                                        std::size_t offset) override {
    return later(inner_->history(session, limit, offset));
  }
  Eventual<Result<std::optional<Message>>> find_answer(const SessionId& session,
                                                       std::string_view id) override {
    return later(inner_->find_answer(session, id));
  }
  Eventual<Result<void>> end_session(const SessionId& session, WallTime created) override {
    return later(inner_->end_session(session, created));
  }
  Eventual<Result<void>> revoke(const Revocation& revocation) override {
    return later(inner_->revoke(revocation));
  }
  void set_session_idle(Seconds idle) override { inner_->set_session_idle(idle); }
  StoreFigures figures() const override { return inner_->figures(); }

 private:
  template <class T>
  Eventual<Result<T>> later(Eventual<Result<T>> answer) {
    if (behaviour_ == Behaviour::failing) {
      return Result<T>(fail(ErrorCode::unavailable, "simulated failure of the state store"));
    }
    return wait(std::move(answer));
  }
  /// On a timer of its own: the worker's wheel has ticks of 20 ms.
  class Delay {
   public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer_.expires_after(Milliseconds{2 + FastRandom::local().below(7)});
      timer_.async_wait([waiter](const boost::system::error_code&) { waiter.resume(); });
    }
    void await_resume() const noexcept {}

   private:
    boost::asio::steady_timer timer_{net::Worker::current()->context()};
  };

  template <class T>
  static Task<Result<T>> wait(Eventual<Result<T>> answer) {
    co_await Delay();
    co_return co_await answer;
  }

  std::unique_ptr<Store> inner_;
  Behaviour behaviour_;
};

}  // namespace portcullis::state

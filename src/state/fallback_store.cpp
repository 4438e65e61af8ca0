#include "state/fallback_store.hpp"

#include <algorithm>

namespace portcullis::state {
namespace {

template <class T>
Eventual<Result<T>> closed() {
  return Result<T>(fail(ErrorCode::unavailable, "the shared state cannot be asked"));
}

}  // namespace

/// Asks the shared store, and the own one where that fails. `call` is asked once or twice.
template <class T, class Call>
Eventual<Result<T>> FallbackStore::ask(Call call) {
  if (up_()) return ask_there<T, Call>(std::move(call));
  if (policy_ == FallbackPolicy::closed) return closed<T>();
  return call(local_);
}

template <class T, class Call>
Task<Result<T>> FallbackStore::ask_there(Call call) {
  auto answer = co_await call(shared_);
  if (!answer) fell_back_();
  if (!answer && policy_ != FallbackPolicy::closed) co_return co_await call(local_);
  co_return answer;
}

// ---- limits

Eventual<Result<AdmitAnswer>> FallbackStore::admit(const AdmitRequest& request) {
  if (up_()) return admit_there(request);
  return admit_here(request);
}

Task<Result<AdmitAnswer>> FallbackStore::admit_there(AdmitRequest request) {
  if (is_revoked_here(request)) {
    AdmitAnswer known;
    known.revoked = true;
    co_return known;
  }
  auto answer = co_await shared_.admit(request);
  if (answer) co_return answer;
  co_return co_await admit_here(request);
}

/// The shared store may have been emptied since.
bool FallbackStore::is_revoked_here(const AdmitRequest& request) {
  if (request.revocable_count == 0) return false;
  AdmitRequest look;
  look.revocables = request.revocables;
  look.revocable_count = request.revocable_count;
  look.issued = request.issued;
  auto known = local_.admit(look);
  return known.ready() && known.value() && known.value()->revoked;
}

Eventual<Result<AdmitAnswer>> FallbackStore::admit_here(AdmitRequest request) {
  fell_back_();
  if (policy_ == FallbackPolicy::closed) return closed<AdmitAnswer>();
  using Status = SessionView::Status;
  bool provisional = false;
  if (request.session) {
    AdmitRequest look;
    look.session = request.session;
    auto seen = local_.admit(look);
    // What an earlier time without the shared store left here says nothing of today.
    const auto& session = seen.value()->session;
    provisional = session.status == Status::unknown ||
                  (session.status == Status::live && session.last_active < away_since_.load());
  }
  if (policy_ == FallbackPolicy::open) {
    // What may be done once is no limit: each node knows of itself what was.
    const auto charges = std::span(request.charges).first(request.count);
    const auto limits = std::ranges::remove_if(charges, [](const Charge& c) { return !c.whole; });
    request.count -= limits.size();
    request.subject_count = 0;
    for (auto& charge : std::span(request.charges).first(request.count)) {
      charge.subject = Charge::kNobody;
    }
  }
  const auto nodes = static_cast<std::uint32_t>(nodes_.load());
  for (std::size_t i = 0; i < request.count; ++i) {
    Charge& charge = request.charges[i];
    if (charge.whole) continue;
    const bool halved = provisional && charge.subject != Charge::kNobody;
    charge.parts = nodes;
    charge.limit = std::max<std::uint32_t>(1, charge.limit / nodes / (halved ? 2 : 1));
  }
  auto answer = local_.admit(request);
  if (!answer.value()) return answer;
  answer.value()->alone = true;
  if (provisional) answer.value()->session.status = Status::provisional;
  return answer;
}

Eventual<Result<double>> FallbackStore::note(const Key& subject, double points) {
  return ask<double>([subject, points](Store& store) { return store.note(subject, points); });
}

// ---- sessions

Eventual<Result<bool>> FallbackStore::session_created(const Key& session, WallTime created) {
  return ask<bool>(
      [session, created](Store& store) { return store.session_created(session, created); });
}

Eventual<Result<BeginOutcome>> FallbackStore::begin_message(NewMessage message) {
  return ask<BeginOutcome>(
      [message = std::move(message)](Store& store) { return store.begin_message(message); });
}

Eventual<Result<void>> FallbackStore::add_answer(const SessionId& session, Message answer) {
  return ask<void>([session, answer = std::move(answer)](Store& store) {
    return store.add_answer(session, answer);
  });
}

Eventual<Result<void>> FallbackStore::fail_message(const SessionId& session,
                                                   std::string_view message_id) {
  return ask<void>([session, id = std::string(message_id)](Store& store) {
    return store.fail_message(session, id);
  });
}

Eventual<Result<HistoryPage>> FallbackStore::history(const SessionId& session, std::size_t limit,
                                                     std::size_t offset) {
  return ask<HistoryPage>(
      [session, limit, offset](Store& store) { return store.history(session, limit, offset); });
}

Eventual<Result<std::optional<Message>>> FallbackStore::find_answer(const SessionId& session,
                                                                    std::string_view message_id) {
  return ask<std::optional<Message>>([session, id = std::string(message_id)](Store& store) {
    return store.find_answer(session, id);
  });
}

Eventual<Result<void>> FallbackStore::end_session(const SessionId& session, WallTime created) {
  if (up_()) return end_there(session, created);
  return end_here(session, created);
}

Task<Result<void>> FallbackStore::end_there(SessionId session, WallTime created) {
  auto ended = co_await shared_.end_session(session, created);
  if (ended) {
    // It may have spoken here while the shared store was away.
    (void)co_await local_.end_session(session, created);
    co_return ended;
  }
  co_return co_await end_here(session, created);
}

/// Never refused, whatever the policy: an end is carried out later.
Eventual<Result<void>> FallbackStore::end_here(const SessionId& session, WallTime created) {
  give_back(std::vector<Ended>{{session_key(session), created}});
  return local_.end_session(session, created);
}

Eventual<Result<void>> FallbackStore::revoke(const Revocation& revocation) {
  // Here in any case: what is shared may be away when the credential is shown.
  auto known = local_.revoke(revocation);
  if (up_()) return revoke_there(revocation);
  give_back(std::vector<Revocation>{revocation});
  return known;
}

Task<Result<void>> FallbackStore::revoke_there(Revocation revocation) {
  if (!co_await shared_.revoke(revocation)) give_back(std::vector<Revocation>{revocation});
  co_return Result<void>{};
}

std::vector<FallbackStore::Ended> FallbackStore::take_ended() {
  const std::lock_guard lock(pending_mutex_);
  return std::exchange(ended_, {});
}

std::vector<Revocation> FallbackStore::take_revoked() {
  const std::lock_guard lock(pending_mutex_);
  return std::exchange(revoked_, {});
}

void FallbackStore::give_back(std::vector<Ended> ended) { keep(ended_, std::move(ended)); }

void FallbackStore::give_back(std::vector<Revocation> revoked) {
  keep(revoked_, std::move(revoked));
}

template <class T>
void FallbackStore::keep(std::vector<T>& pending, std::vector<T> more) {
  const std::lock_guard lock(pending_mutex_);
  pending.insert(pending.end(), more.begin(), more.end());
  if (pending.size() > kMaxPending) {
    pending.erase(pending.begin(),
                  pending.begin() + static_cast<std::ptrdiff_t>(pending.size() - kMaxPending));
  }
}

void FallbackStore::set_session_idle(Seconds idle) {
  shared_.set_session_idle(idle);
  local_.set_session_idle(idle);
}

StoreFigures FallbackStore::figures() const {
  StoreFigures out = shared_.figures();
  const StoreFigures here = local_.figures();
  out.limiter_keys = here.limiter_keys;
  out.history_bytes = here.history_bytes;
  return out;
}

}  // namespace portcullis::state

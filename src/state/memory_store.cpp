#include "state/memory_store.hpp"

#include <algorithm>

#include "base/siphash.hpp"

namespace portcullis::state {
namespace {

constexpr std::size_t kMessageOverhead = 128;  // strings, ids and deque slots of one message

std::size_t cost_of(const Message& message) {
  return message.content.size() + message.id.size() + message.client_id.size() + kMessageOverhead;
}

std::uint64_t hash_text(std::string_view text) {
  return siphash128(text, {0x706f7274, 0x63756c})[0];
}

}  // namespace

MemoryStore::MemoryStore(const MemoryStoreOptions& options, const Clock& clock)
    : options_(options),
      session_idle_(options.session_idle),
      clock_(clock),
      limiter_(options.max_limiter_keys, clock),
      silent_(options.session_idle) {
  const std::size_t claims = std::max<std::size_t>(1, options.max_sessions / kSessionShards);
  for (auto& shard : claim_shards_) shard = std::make_unique<ClaimShard>(claims);
}

MemoryStore::~MemoryStore() = default;

// ---- limits

Eventual<Result<AdmitAnswer>> MemoryStore::admit(const AdmitRequest& request) {
  AdmitAnswer answer;
  if (request.session) answer.session = view_of(*request.session);
  for (std::size_t i = 0; i < request.revocable_count && !answer.revoked; ++i) {
    answer.revoked = revocations_.is_revoked(request.revocables[i], request.issued, clock_.wall());
  }
  if (answer.revoked) return Result<AdmitAnswer>(answer);
  answer.admission = limiter_.charge(request);
  if (!answer.admission.admitted) return Result<AdmitAnswer>(answer);
  if (request.claim) answer.claim = visit(*request.claim);
  return Result<AdmitAnswer>(answer);
}

Eventual<Result<void>> MemoryStore::revoke(const Revocation& revocation) {
  revocations_.add(revocation, clock_.wall());
  return Result<void>{};
}

Eventual<Result<double>> MemoryStore::note(const Key& subject, double points) {
  return Result<double>(limiter_.note(subject, points));
}

ClaimStanding MemoryStore::visit(const Claim& claim) {
  ClaimShard& shard = *claim_shards_[claim.session[1] % kSessionShards];
  const std::lock_guard lock(shard.mutex);
  return shard.table.visit(claim);
}

// ---- sessions

SessionView MemoryStore::view_of(const Key& key) {
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  SessionView view;
  if (shard.ended.contains(key)) {
    view.status = SessionView::Status::ended;
  } else if (const Session* session = find(shard, key)) {
    view = {SessionView::Status::live, session->last_active, session->message_count, session->use};
  }
  return view;
}

void MemoryStore::note_sender(Session& session, const NewMessage& message, WallTime now) {
  if (!message.sender) return;
  auto& use = session.use;
  const bool early = now < message.session_created + SessionUse::kEarly;
  if (message.sender->is_owner) {
    use.owner_active = now;
    if (early) ++use.owner_early;
  } else {
    use.others_active = now;
    use.others_network = message.sender->network;
    if (early) ++use.others_early;
  }
}

MemoryStore::Session* MemoryStore::find(SessionShard& shard, const Key& key) {
  const auto at = shard.sessions.find(key);
  return at == shard.sessions.end() ? nullptr : &*at->second;
}

void MemoryStore::erase(SessionShard& shard, std::list<Session>::iterator at) {
  history_bytes_ -= at->bytes;
  --session_count_;
  shard.sessions.erase(at->key);
  shard.by_age.erase(at);
}

void MemoryStore::purge_expired(SessionShard& shard, WallTime now, std::size_t most) {
  while (most-- > 0 && !shard.by_age.empty() &&
         shard.by_age.front().last_active + session_idle_.load() < now) {
    erase(shard, shard.by_age.begin());
  }
  while (!shard.ended_order.empty() &&
         shard.ended.at(shard.ended_order.front()) + session_idle_.load() <= now) {
    forget_first_ended(shard);
  }
}

void MemoryStore::forget_first_ended(SessionShard& shard) {
  shard.ended.erase(shard.ended_order.front());
  shard.ended_order.pop_front();
  --ended_count_;
}

/// Counts one more session, unless there are as many as there may be.
bool MemoryStore::take_place() {
  std::size_t count = session_count_;
  while (count < options_.max_sessions) {
    if (session_count_.compare_exchange_weak(count, count + 1)) return true;
  }
  return false;
}

/// Evicts the session that was silent longest, unless all were active lately. One that has ended by
/// its silence is in nobody's use, however short that may be.
bool MemoryStore::make_room(WallTime now) {
  const Seconds kept = std::min(kProtectedAfterActivity, session_idle_.load());
  SessionShard* oldest = nullptr;
  WallTime oldest_time = WallTime::max();
  for (auto& shard : session_shards_) {
    const std::lock_guard lock(shard.mutex);
    if (!shard.by_age.empty() && shard.by_age.front().last_active < oldest_time) {
      oldest_time = shard.by_age.front().last_active;
      oldest = &shard;
    }
  }
  if (oldest == nullptr || oldest_time + kept > now) return false;
  const std::lock_guard lock(oldest->mutex);
  if (oldest->by_age.empty() || oldest->by_age.front().last_active + kept > now) return false;
  erase(*oldest, oldest->by_age.begin());
  return true;
}

Eventual<Result<bool>> MemoryStore::session_created(const Key&, WallTime created) {
  const WallTime now = clock_.wall();
  if (session_count_ >= options_.max_sessions && !make_room(now)) return Result<bool>(false);
  silent_.add(created, now);
  return Result<bool>(true);
}

Eventual<Result<BeginOutcome>> MemoryStore::begin_message(NewMessage message) {
  using Kind = BeginOutcome::Kind;
  const WallTime now = clock_.wall();
  const Key key = session_key(message.session);
  SessionShard& shard = shard_of(key);
  std::unique_lock lock(shard.mutex);
  purge_expired(shard, now, 2);
  if (shard.ended.contains(key)) return Result<BeginOutcome>({Kind::ended, {}, 0});
  Session* session = find(shard, key);
  while (session == nullptr && !take_place()) {
    // Room is made in other shards; meanwhile anything may happen in this one.
    lock.unlock();
    if (!make_room(now)) return Result<BeginOutcome>({Kind::store_full, {}, 0});
    lock.lock();
    if (shard.ended.contains(key)) return Result<BeginOutcome>({Kind::ended, {}, 0});
    session = find(shard, key);
  }
  if (session == nullptr) {
    session = &shard.by_age.emplace_back();
    session->key = key;
    session->created = message.session_created;
    shard.sessions.emplace(key, std::prev(shard.by_age.end()));
    silent_.remove(message.session_created, now);
  }
  const std::uint64_t text_hash = hash_text(message.message.content);
  if (!message.message.client_id.empty()) {
    for (auto& send : session->sends) {
      if (send.client_id != message.message.client_id) continue;
      if (send.text_hash != text_hash)
        return Result<BeginOutcome>({Kind::conflict, send.message_id, session->message_count});
      const Kind kind = send.failed ? Kind::started : Kind::duplicate;
      session->last_active = now;
      const auto at = shard.sessions.at(key);
      shard.by_age.splice(shard.by_age.end(), shard.by_age, at);
      send.failed = false;
      return Result<BeginOutcome>({kind, send.message_id, session->message_count});
    }
    if (session->sends.size() == kRememberedSends) session->sends.pop_front();
    session->sends.push_back({message.message.client_id, message.message.id, text_hash, false});
  }
  session->last_active = now;
  ++session->message_count;
  note_sender(*session, message, now);
  const auto at = shard.sessions.at(key);
  shard.by_age.splice(shard.by_age.end(), shard.by_age, at);
  BeginOutcome outcome{Kind::started, message.message.id, session->message_count};
  if (message.keep_text) append(shard, *session, std::move(message.message));
  return Result<BeginOutcome>(std::move(outcome));
}

Eventual<Result<void>> MemoryStore::add_answer(const SessionId& id, Message answer) {
  const Key key = session_key(id);
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  Session* session = find(shard, key);
  if (session == nullptr) return Result<void>{};  // ended meanwhile
  session->last_active = clock_.wall();
  const auto at = shard.sessions.at(key);
  shard.by_age.splice(shard.by_age.end(), shard.by_age, at);
  append(shard, *session, std::move(answer));
  return Result<void>{};
}

Eventual<Result<void>> MemoryStore::fail_message(const SessionId& id, std::string_view message_id) {
  const Key key = session_key(id);
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (Session* session = find(shard, key)) {
    for (auto& send : session->sends) {
      if (send.message_id == message_id) send.failed = true;
    }
  }
  return Result<void>{};
}

void MemoryStore::append(SessionShard& shard, Session& session, Message message) {
  const std::size_t size = cost_of(message);
  if (options_.history_max_messages == 0 || size > options_.history_max_bytes) return;
  while (session.messages.size() >= options_.history_max_messages ||
         (!session.messages.empty() && session.bytes + size > options_.history_max_bytes)) {
    drop_oldest_message(session);
  }
  session.bytes += size;
  session.messages.push_back(std::move(message));
  const std::size_t in_all = history_bytes_ += size;
  if (in_all > options_.history_total_bytes) free_history(shard, session);
}

void MemoryStore::drop_oldest_message(Session& session) {
  const std::size_t size = cost_of(session.messages.front());
  session.bytes -= size;
  history_bytes_ -= size;
  session.messages.pop_front();
}

/// Over the total: the histories of this shard that were silent longest give way, at last the own
/// one.
void MemoryStore::free_history(SessionShard& shard, const Session& keep) {
  for (auto& session : shard.by_age) {
    if (history_bytes_ <= options_.history_total_bytes) return;
    if (&session == &keep) continue;
    while (!session.messages.empty()) drop_oldest_message(session);
  }
  auto& own = *shard.sessions.at(keep.key);
  while (history_bytes_ > options_.history_total_bytes && !own.messages.empty()) {
    drop_oldest_message(own);
  }
}

Eventual<Result<HistoryPage>> MemoryStore::history(const SessionId& id, std::size_t limit,
                                                   std::size_t offset) {
  const Key key = session_key(id);
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  HistoryPage page;
  if (const Session* session = find(shard, key)) {
    page.total = session->messages.size();
    for (std::size_t i = offset; i < session->messages.size() && page.messages.size() < limit;
         ++i) {
      page.messages.push_back(session->messages[i]);
    }
  }
  return Result<HistoryPage>(std::move(page));
}

Eventual<Result<std::optional<Message>>> MemoryStore::find_answer(const SessionId& id,
                                                                  std::string_view message_id) {
  const Key key = session_key(id);
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (const Session* session = find(shard, key)) {
    for (const auto& message : session->messages) {
      if (message.role == Message::Role::assistant && message.client_id == message_id) {
        return Result<std::optional<Message>>(message);
      }
    }
  }
  return Result<std::optional<Message>>(std::nullopt);
}

Eventual<Result<void>> MemoryStore::end_session(const SessionId& id, WallTime created) {
  const Key key = session_key(id);
  const WallTime now = clock_.wall();
  SessionShard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  purge_expired(shard, now, 8);
  const auto at = shard.sessions.find(key);
  if (at != shard.sessions.end()) {
    erase(shard, at->second);
  } else if (!shard.ended.contains(key)) {
    silent_.remove(created, now);
  }
  // After its idle time an unknown session's token is refused anyhow, so nothing needs remembering.
  if (created + session_idle_.load() > now && shard.ended.emplace(key, created).second) {
    shard.ended_order.push_back(key);
    if (++ended_count_ > options_.max_sessions && shard.ended_order.size() > 1)
      forget_first_ended(shard);
  }
  return Result<void>{};
}

void MemoryStore::set_session_idle(Seconds idle) {
  session_idle_ = idle;
  silent_.set_idle(idle);
}

StoreFigures MemoryStore::figures() const {
  StoreFigures out;
  out.limiter_keys = limiter_.size();
  const WallTime now = clock_.wall();
  for (auto& shard : session_shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto at = shard.by_age.rbegin(); at != shard.by_age.rend(); ++at) {
      if (at->last_active + session_idle_.load() < now) break;
      ++out.sessions;
    }
  }
  for (const auto& shard : claim_shards_) {
    const std::lock_guard lock(shard->mutex);
    out.claimed_sessions += shard->table.size();
  }
  out.silent_sessions = silent_.count(now);
  out.history_bytes = history_bytes_;
  return out;
}

void MemoryStore::SilentSessions::advance(std::int64_t slot) {
  for (std::int64_t s = std::max(newest_ + 1, slot - kSlots + 1); s <= slot; ++s) {
    counts_[static_cast<std::size_t>(s % kSlots)] = 0;
  }
  newest_ = std::max(newest_, slot);
}

void MemoryStore::SilentSessions::add(WallTime created, WallTime now) {
  const std::lock_guard lock(mutex_);
  advance(slot_of(now));
  ++counts_[static_cast<std::size_t>(slot_of(created) % kSlots)];
}

void MemoryStore::SilentSessions::remove(WallTime created, WallTime now) {
  const std::lock_guard lock(mutex_);
  advance(slot_of(now));
  const std::int64_t slot = slot_of(created);
  auto& count = counts_[static_cast<std::size_t>(slot % kSlots)];
  if (slot > newest_ - kSlots && slot <= newest_ && count > 0) --count;
}

/// Those counted so far move into slots of the new width: each is taken to be as old as the
/// beginning of its slot.
void MemoryStore::SilentSessions::set_idle(Seconds idle) {
  const std::lock_guard lock(mutex_);
  if (idle == idle_) return;
  const auto counted = std::exchange(counts_, {});
  const std::int64_t old_newest = newest_;
  const std::int64_t old_seconds = slot_seconds();
  idle_ = idle;
  newest_ = old_newest * old_seconds / slot_seconds();
  for (std::int64_t old = std::max<std::int64_t>(0, old_newest - kSlots + 1); old <= old_newest;
       ++old) {
    const std::int64_t slot = old * old_seconds / slot_seconds();
    if (slot > newest_ - kSlots) {
      counts_[static_cast<std::size_t>(slot % kSlots)] +=
          counted[static_cast<std::size_t>(old % kSlots)];
    }
  }
}

std::size_t MemoryStore::SilentSessions::count(WallTime now) const {
  const std::lock_guard lock(mutex_);
  const std::int64_t newest = slot_of(now);
  std::size_t sum = 0;
  for (std::int64_t slot = std::max<std::int64_t>(0, newest_ - kSlots + 1); slot <= newest_;
       ++slot) {
    if (slot > newest - kSlots) sum += counts_[static_cast<std::size_t>(slot % kSlots)];
  }
  return sum;
}

}  // namespace portcullis::state

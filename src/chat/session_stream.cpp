#include "chat/session_stream.hpp"

#include <algorithm>

#include "chat/stream_hub.hpp"

namespace portcullis::chat {
namespace {

/// More than a session may send within kLag.
constexpr std::size_t kMostMessages = 64;

}  // namespace

SessionStream::SessionStream(StreamHub& hub, const state::Key& key)
    : hub_(hub), key_(key), floor_(clock_id()), last_use_(hub.clock().coarse()) {}

/// Ids tell the time in microseconds: they increase over the life of a session even where its
/// stream was forgotten in between, and nodes do not choose the same one.
std::uint64_t SessionStream::clock_id() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(hub_.clock().wall().time_since_epoch())
          .count());
}

/// Ids begin at the clock, in microseconds, so that they increase over the life of a session even
/// where its stream was forgotten in between. Where nodes share their state each tells the time:
/// they do not choose the same one, and know which may be on their way.
std::uint64_t SessionStream::new_id() const {
  if (last_id_ != 0 && hub_.relay() == nullptr) return last_id_ + 1;
  return std::max(last_id_ + 1, clock_id());
}

void SessionStream::Reader::notify() {
  if (notified_.exchange(true)) return;
  worker_.post([self = shared_from_this()] {
    self->notified_ = false;
    self->signal_.notify();
  });
}

// ---- readers

void SessionStream::add(const std::shared_ptr<Reader>& reader) {
  reader->attached_ = hub_.clock().coarse();
  for (auto at = reader->next_; at < next_; ++at)
    reader->lag_bytes_ += entries_[at - first()].cost();
  readers_.push_back(reader);
  if (readers_.size() == 1) tell_turns_about_readers(true);
}

/// Whether everything behind an event is here, and it is one that was sent.
bool SessionStream::is_kept(std::uint64_t id) const {
  return id >= floor_ && id <= std::max(last_id_, floor_);
}

/// Whether two nodes wrote at the time of an event: who saw it at one of them may have seen more or
/// less of what the other wrote than stands before it here.
bool SessionStream::is_between_nodes(std::uint64_t id) const {
  std::optional<std::size_t> origin;
  for (const auto& entry : entries_) {
    if (entry.id > id || entry.id + kLag <= id) continue;
    if (origin.value_or(entry.origin) != entry.origin) return true;
    origin = entry.origin;
  }
  return false;
}

/// Whether an event that is not here may be on its way from another node.
bool SessionStream::may_arrive(std::uint64_t id) const {
  const std::uint64_t now = clock_id();
  return shared_ && id > last_id_ && id + kLag > now && id < now + kLag;
}

void SessionStream::attach(const std::shared_ptr<Reader>& reader,
                           std::optional<std::uint64_t> last_id) {
  const std::lock_guard lock(mutex_);
  reader->next_ = next_;
  if (last_id && may_arrive(*last_id)) {
    reader->ahead_ = last_id;
  } else if (last_id) {
    reader->reset_ = !is_kept(*last_id) || (shared_ && is_between_nodes(*last_id));
    reader->next_ = first();
    while (!reader->reset_ && reader->next_ < next_ &&
           entries_[reader->next_ - first()].id <= *last_id) {
      ++reader->next_;
    }
  }
  add(reader);
}

bool SessionStream::attach_to_message(const std::shared_ptr<Reader>& reader,
                                      std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  std::optional<std::uint64_t> begun;
  bool ended = true;  // an earlier try that failed is over
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].message_id != message_id) continue;
    if (std::exchange(ended, entries_[i].ends_message)) begun = first() + i;
  }
  if (!begun && !is_under_way_locked(message_id)) return false;
  reader->only_message_ = message_id;
  reader->next_ = begun.value_or(next_);
  add(reader);
  return true;
}

void SessionStream::attach_to_turn(const std::shared_ptr<Reader>& reader,
                                   std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  reader->only_message_ = message_id;
  reader->next_ = next_;
  add(reader);
}

void SessionStream::detach(const std::shared_ptr<Reader>& reader) {
  {
    const std::lock_guard lock(mutex_);
    std::erase(readers_, reader);
    last_use_ = hub_.clock().coarse();
    if (readers_.empty()) tell_turns_about_readers(false);
    trim();
    if (writers_wait_ && largest_lag() <= hub_.options().buffer_bytes) tell_turns_about_room();
    if (!readers_.empty() || !shared_) return;
  }
  hub_.unfollow(*this);
}

SessionStream::Batch SessionStream::take(Reader& reader, Face face, std::string& out,
                                         std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.dropped = dropped_;
  if (std::exchange(reader.reset_, false) || reader.next_ < first()) {
    batch.reset = true;
    reader.next_ = first();
    reader.lag_bytes_ = bytes_;
  }
  while (reader.next_ < next_ && out.size() < max_bytes) {
    const Entry& entry = entries_[reader.next_ - first()];
    ++reader.next_;
    reader.lag_bytes_ -= std::min(reader.lag_bytes_, entry.cost());
    if (reader.ahead_ && entry.id >= *reader.ahead_) {
      const bool is_new = entry.id > *std::exchange(reader.ahead_, std::nullopt);
      if (!is_new) continue;
    }
    if (reader.ahead_) continue;
    if (!reader.only_message_.empty() && entry.message_id != reader.only_message_) continue;
    append_event(out, face, entry.id, entry.json);
    batch.last_id = entry.id;
    if (entry.ends_message && !reader.only_message_.empty()) {
      batch.ended = true;
      break;
    }
  }
  trim();
  if (writers_wait_ && largest_lag() <= hub_.options().buffer_bytes / 2) tell_turns_about_room();
  return batch;
}

// ---- turns

bool SessionStream::add_turn(std::string_view message_id, net::Worker& worker,
                             const std::shared_ptr<TurnObserver>& turn, std::size_t max_turns) {
  const std::lock_guard lock(mutex_);
  if (turns_.size() >= max_turns) return false;
  turns_.push_back({std::string(message_id), &worker, turn});
  return true;
}

void SessionStream::remove_turn(std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(turns_, [&](const TurnEntry& turn) { return turn.message_id == message_id; });
  for (const auto& reader : readers_) reader->notify();  // a draining one waits for the last turn
  last_use_ = hub_.clock().coarse();
}

void SessionStream::forget_if_idle() { hub_.forget_if_idle(key_); }

bool SessionStream::has_turn(std::string_view message_id) const {
  const std::lock_guard lock(mutex_);
  return has_turn_locked(message_id);
}

bool SessionStream::has_turn_locked(std::string_view message_id) const {
  return std::ranges::find(turns_, message_id, &TurnEntry::message_id) != turns_.end();
}

bool SessionStream::is_under_way(std::string_view message_id) const {
  const std::lock_guard lock(mutex_);
  return is_under_way_locked(message_id);
}

bool SessionStream::is_under_way_locked(std::string_view message_id) const {
  return has_turn_locked(message_id) ||
         (shared_ && std::ranges::find(shared_->under_way, message_id) != shared_->under_way.end());
}

bool SessionStream::has_turns() const {
  const std::lock_guard lock(mutex_);
  return !turns_.empty();
}

bool SessionStream::has_readers() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty() || remote_readers_ > 0;
}

void SessionStream::append(Entry entry) {
  const std::size_t cost = entry.cost();
  bytes_ += cost;
  hub_.kept_bytes_ += cost;
  last_id_ = std::max(last_id_, entry.id);
  ++next_;
  entries_.push_back(std::move(entry));
  for (const auto& reader : readers_) {
    reader->lag_bytes_ += cost;
    reader->notify();
  }
}

bool SessionStream::publish(std::string_view message_id,
                            const std::function<std::string(std::uint64_t)>& make,
                            bool ends_message) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = new_id();
  append({id, 0, std::string(message_id), make(id), ends_message});
  writes_ = true;
  if (shared_ && !shared_->missed) shared_->complete = id;
  trim();
  const bool room = readers_.empty() || largest_lag() <= hub_.options().buffer_bytes;
  writers_wait_ = writers_wait_ || !room;  // another turn may wait already
  return room;
}

bool SessionStream::full() const {
  const std::lock_guard lock(mutex_);
  return bytes_ > hub_.options().buffer_bytes;
}

std::size_t SessionStream::largest_lag() const {
  std::size_t largest = 0;
  for (const auto& reader : readers_) largest = std::max(largest, reader->lag_bytes_);
  return largest;
}

void SessionStream::drop_first() {
  const Entry& entry = entries_.front();
  bytes_ -= entry.cost();
  hub_.kept_bytes_ -= entry.cost();
  floor_ = std::max(floor_, entry.id);
  entries_.pop_front();
}

/// Drops what lies over the bound and was taken by every reader. What nobody reads yet stays:
/// full() tells its turn to stop.
void SessionStream::trim() {
  if (bytes_ <= hub_.options().buffer_bytes) return;
  std::uint64_t needed = next_;
  for (const auto& reader : readers_) needed = std::min(needed, reader->next_);
  if (readers_.empty() && !turns_.empty() && remote_readers_ == 0) return;
  while (bytes_ > hub_.options().buffer_bytes && !entries_.empty() && first() < needed) {
    drop_first();
  }
}

void SessionStream::tell_turns_about_readers(bool any) {
  for (const auto& turn : turns_) {
    turn.worker->post([observer = turn.observer, any] {
      if (const auto alive = observer.lock()) alive->readers_changed(any);
    });
  }
}

void SessionStream::tell_turns_about_room() {
  writers_wait_ = false;
  for (const auto& turn : turns_) {
    turn.worker->post([observer = turn.observer] {
      if (const auto alive = observer.lock()) alive->room_available();
    });
  }
}

// ---- other nodes

SessionStream::Shared::Message& SessionStream::Shared::message(std::string_view id) {
  const auto at = std::ranges::find(messages, id, &Message::id);
  if (at != messages.end()) return *at;
  if (messages.size() == kMostMessages) messages.erase(messages.begin());
  return messages.emplace_back(std::string(id));
}

void SessionStream::set_remote_readers(std::size_t count) {
  const std::lock_guard lock(mutex_);
  remote_readers_ = count;
  trim();
}

bool SessionStream::wants_renewal() const noexcept {
  return hub_.clock().coarse() >= renewal_.load(std::memory_order_relaxed);
}

void SessionStream::merge(const state::RelayedBatch& batch) {
  const std::lock_guard lock(mutex_);
  // What lies between was lost on its way, or at its writer: what is kept of it says which.
  if (batch.behind > shared_->message(batch.events.front().message_id).last_id) return ask_again();
  merge_locked(batch);
  if (!shared_->missed) shared_->complete = last_id_;
}

void SessionStream::merge_locked(const state::RelayedBatch& batch) {
  if (batch.node == hub_.relay()->node() && writes_) return;
  const std::size_t origin = std::hash<std::string>()(batch.node) | 1;
  for (const auto& event : batch.events) {
    auto& message = shared_->message(event.message_id);
    if (event.id <= message.last_id) continue;
    message.last_id = event.id;
    append({event.id, origin, event.message_id, event.json, event.ends_message});
    auto& under_way = shared_->under_way;
    std::erase(under_way, event.message_id);
    if (!event.ends_message) under_way.push_back(event.message_id);
  }
  while (bytes_ > 2 * hub_.options().buffer_bytes) drop_first();
}

/// Has the readers look at what is kept at once.
void SessionStream::ask_again() {
  shared_->missed = true;
  renewal_ = MonotonicTime{};
  for (const auto& reader : readers_) reader->notify();
}

void SessionStream::wake_readers() {
  const std::lock_guard lock(mutex_);
  for (const auto& reader : readers_) reader->notify();
}

void SessionStream::merge(const state::RelayedPast& past) {
  const std::lock_guard lock(mutex_);
  if (past.floor > shared_->complete) {
    if (next_ == 0 && readers_.empty()) {
      floor_ = past.floor;
    } else {
      lose_all(past.floor);
    }
  }
  for (const auto& batch : past.batches) merge_locked(batch);
  shared_->under_way = past.under_way;
  shared_->since = past.since;
  shared_->complete = last_id_;
  shared_->missed = false;
  end_orphans();
  const MonotonicTime long_ago = hub_.clock().coarse() - Milliseconds{kLag / 1000};
  for (const auto& reader : readers_) {
    if (!reader->ahead_ || reader->attached_ > long_ago) continue;
    reader->ahead_.reset();
    reader->reset_ = true;
    reader->notify();
  }
}

/// What other nodes wrote was dropped before it arrived here.
void SessionStream::lose_all(std::uint64_t floor) {
  while (!entries_.empty()) drop_first();
  floor_ = std::max(floor_, floor);
  for (const auto& reader : readers_) {
    reader->reset_ = true;
    reader->notify();
  }
}

/// Ends messages that were begun at a node which is gone: it has said nothing of them for as long
/// as a turn counts as alive.
void SessionStream::end_orphans() {
  const auto long_ago = hub_.clock().coarse() - state::EventRelay::kAlive;
  const std::uint64_t old_id =
      clock_id() - 1000 * static_cast<std::uint64_t>(state::EventRelay::kAlive.count());
  std::vector<std::string> orphans;
  for (const auto& reader : readers_) {
    const auto& wanted = reader->only_message_;
    if (!wanted.empty() && reader->attached_ <= long_ago) orphans.push_back(wanted);
  }
  for (const auto& entry : entries_) {
    std::erase(orphans, entry.message_id);
    if (!entry.ends_message && entry.id <= old_id) orphans.push_back(entry.message_id);
  }
  std::ranges::sort(orphans);
  const auto doubles = std::ranges::unique(orphans);
  orphans.erase(doubles.begin(), doubles.end());
  for (const auto& message : orphans) {
    if (is_under_way_locked(message)) continue;
    const std::uint64_t id = new_id();
    append({id, 0, message,
            error_event(id, message, http::Code::upstream_error, "The answer was interrupted.", {}),
            true});
  }
}

}  // namespace portcullis::chat

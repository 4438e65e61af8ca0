#include "chat/session_stream.hpp"

#include <algorithm>

#include "chat/stream_hub.hpp"

namespace portcullis::chat {

SessionStream::SessionStream(StreamHub& hub, const state::Key& key)
    : hub_(hub), key_(key), floor_(clock_id()), last_use_(hub.clock().coarse()) {}

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
  if (shared_ && shared_->since.empty()) renewal_ = MonotonicTime{};
  for (auto at = reader->next_; at < next_; ++at)
    reader->lag_bytes_ += entries_[at - first()].cost();
  readers_.push_back(reader);
  if (readers_.size() == 1) tell_turns_about_readers(true);
}

/// Whether everything behind an event is here, and it is one that was sent.
bool SessionStream::is_kept(std::uint64_t id) const {
  return id >= floor_ && id <= std::max(last_id_, floor_);
}

/// Whether who has seen an event has seen just those that arrived before it here: only one node
/// wrote at its time, or had not told yet what it wrote before, and what came later is newer. At
/// the other nodes the order may have been another.
bool SessionStream::is_certain(std::uint64_t id) const {
  std::optional<std::size_t> origin;
  bool is_behind = false;
  for (const auto& entry : entries_) {
    is_behind = is_behind || entry.id > id;
    if (is_behind && entry.id <= id) return false;
    if (entry.until + kLag <= id || entry.id >= id + kLag) continue;
    if (origin.value_or(entry.origin) != entry.origin) return false;
    origin = entry.origin;
  }
  return true;
}

bool SessionStream::is_written_here_at(std::uint64_t id) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.origin == 0 && entry.id + kLag > id && entry.id < id + kLag;
  });
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
    reader->reset_ = is_written_here_at(*last_id) || !is_certain(*last_id);
  } else if (last_id) {
    reader->reset_ = !is_kept(*last_id) || (shared_ && !is_certain(*last_id));
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
  reader->reset_ = begun && !entries_[*begun - first()].begins_message;
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

/// Goes on behind the event that the reader has seen. Where another node than one writes meanwhile,
/// nobody knows what of it was seen.
void SessionStream::pass_over(Reader& reader) {
  for (; reader.ahead_ && reader.next_ >= first() && reader.next_ < next_; ++reader.next_) {
    const Entry& entry = entries_[reader.next_ - first()];
    reader.lag_bytes_ -= std::min(reader.lag_bytes_, entry.cost());
    const bool is_other =
        entry.origin == 0 || reader.ahead_origin_.value_or(entry.origin) != entry.origin;
    reader.reset_ = is_other || entry.id > *reader.ahead_;
    if (reader.reset_) return;
    reader.ahead_origin_ = entry.origin;
    if (entry.id == *reader.ahead_) reader.ahead_.reset();
  }
}

SessionStream::Batch SessionStream::take(Reader& reader, Face face, std::string& out,
                                         std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.dropped = dropped_;
  if (reader.ahead_) pass_over(reader);
  if (std::exchange(reader.reset_, false) || reader.next_ < first()) {
    batch.reset = true;
    reader.ahead_.reset();
    reader.next_ = first();
    reader.lag_bytes_ = bytes_;
  }
  while (reader.next_ < next_ && out.size() < max_bytes) {
    const Entry& entry = entries_[reader.next_ - first()];
    ++reader.next_;
    reader.lag_bytes_ -= std::min(reader.lag_bytes_, entry.cost());
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
  turns_.push_back({std::string(message_id), &worker, turn, false});
  return true;
}

void SessionStream::remove_turn(std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(turns_, [&](const TurnEntry& turn) { return turn.message_id == message_id; });
  if (turns_.empty()) remote_readers_ = 0;               // nobody asks any more
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

bool SessionStream::has_own_readers() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty();
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
  const auto turn = std::ranges::find(turns_, message_id, &TurnEntry::message_id);
  const bool begins = turn != turns_.end() && !std::exchange(turn->has_written, true);
  append({id, 0, std::string(message_id), make(id), begins, ends_message, id});
  writes_ = true;
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

}  // namespace portcullis::chat

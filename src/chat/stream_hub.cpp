#include "chat/stream_hub.hpp"

#include <algorithm>

namespace portcullis::chat {

// ---- SessionStream

SessionStream::SessionStream(StreamHub& hub, const state::Key& key, std::uint64_t first_id)
    : hub_(hub), key_(key), next_id_(first_id), last_use_(hub.clock().coarse()) {}

void SessionStream::Reader::notify() {
  if (notified_.exchange(true)) return;
  worker_.post([self = shared_from_this()] {
    self->notified_ = false;
    self->signal_.notify();
  });
}

void SessionStream::attach(const std::shared_ptr<Reader>& reader,
                           std::optional<std::uint64_t> last_id) {
  const std::lock_guard lock(mutex_);
  reader->next_id_ = last_id ? *last_id + 1 : next_id_;
  for (const auto& entry : entries_) {
    if (entry.id >= reader->next_id_) reader->lag_bytes_ += entry.cost();
  }
  readers_.push_back(reader);
  if (readers_.size() == 1) tell_turns_about_readers(true);
}

bool SessionStream::attach_to_message(const std::shared_ptr<Reader>& reader,
                                      std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  auto first = entries_.end();
  bool ended = true;  // an earlier try that failed is over
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->message_id != message_id) continue;
    if (std::exchange(ended, at->ends_message)) first = at;
  }
  const bool live = std::ranges::find(turns_, message_id, &TurnEntry::message_id) != turns_.end();
  if (first == entries_.end() && !live) return false;
  reader->only_message_ = message_id;
  reader->next_id_ = first == entries_.end() ? next_id_ : first->id;
  for (auto at = first; at != entries_.end(); ++at) reader->lag_bytes_ += at->cost();
  readers_.push_back(reader);
  if (readers_.size() == 1) tell_turns_about_readers(true);
  return true;
}

void SessionStream::attach_to_turn(const std::shared_ptr<Reader>& reader,
                                   std::string_view message_id) {
  const std::lock_guard lock(mutex_);
  reader->only_message_ = message_id;
  reader->next_id_ = next_id_;
  readers_.push_back(reader);
  if (readers_.size() == 1) tell_turns_about_readers(true);
}

void SessionStream::detach(const std::shared_ptr<Reader>& reader) {
  const std::lock_guard lock(mutex_);
  std::erase(readers_, reader);
  last_use_ = hub_.clock().coarse();
  if (readers_.empty()) tell_turns_about_readers(false);
  trim();
  if (writers_wait_ && largest_lag() <= hub_.options().buffer_bytes) tell_turns_about_room();
}

SessionStream::Batch SessionStream::take(Reader& reader, Face face, std::string& out,
                                         std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.dropped = dropped_;
  const std::uint64_t first_kept = entries_.empty() ? next_id_ : entries_.front().id;
  if (reader.next_id_ < first_kept || reader.next_id_ > next_id_) {
    batch.reset = true;
    reader.next_id_ = first_kept;
    reader.lag_bytes_ = bytes_;
  }
  // Ids of kept entries are consecutive.
  for (std::size_t i = reader.next_id_ - first_kept; i < entries_.size() && out.size() < max_bytes;
       ++i) {
    const Entry& entry = entries_[i];
    reader.next_id_ = entry.id + 1;
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
  return std::ranges::find(turns_, message_id, &TurnEntry::message_id) != turns_.end();
}

bool SessionStream::has_turns() const {
  const std::lock_guard lock(mutex_);
  return !turns_.empty();
}

bool SessionStream::has_readers() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty();
}

bool SessionStream::publish(std::string_view message_id,
                            const std::function<std::string(std::uint64_t)>& make,
                            bool ends_message) {
  const std::lock_guard lock(mutex_);
  Entry entry{next_id_, std::string(message_id), make(next_id_), ends_message};
  ++next_id_;
  const std::size_t cost = entry.cost();
  bytes_ += cost;
  hub_.kept_bytes_ += cost;
  entries_.push_back(std::move(entry));
  for (const auto& reader : readers_) {
    reader->lag_bytes_ += cost;
    reader->notify();
  }
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

/// Drops what lies over the bound and was taken by every reader. What nobody reads yet stays:
/// full() tells its turn to stop.
void SessionStream::trim() {
  if (bytes_ <= hub_.options().buffer_bytes) return;
  std::uint64_t needed = next_id_;
  for (const auto& reader : readers_) needed = std::min(needed, reader->next_id_);
  const bool unread = readers_.empty() && !turns_.empty();
  while (bytes_ > hub_.options().buffer_bytes && !entries_.empty() && !unread &&
         entries_.front().id < needed) {
    bytes_ -= entries_.front().cost();
    hub_.kept_bytes_ -= entries_.front().cost();
    entries_.pop_front();
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

// ---- StreamHub

StreamHub::StreamHub(const Options& options, const Clock& clock)
    : options_(options), clock_(clock) {}

std::shared_ptr<SessionStream> StreamHub::open(const state::Key& session) {
  Shard& shard = shard_of(session);
  const std::lock_guard lock(shard.mutex);
  if (const auto at = shard.streams.find(session); at != shard.streams.end()) return at->second;
  sweep(shard);
  // Ids begin at the clock, so that they increase over the life of the session even where its
  // stream was forgotten in between.
  auto stream = std::make_shared<SessionStream>(
      *this, session, static_cast<std::uint64_t>(epoch_millis(clock_.wall())));
  shard.streams.emplace(session, stream);
  return stream;
}

void StreamHub::forget_if_idle(const state::Key& session) {
  Shard& shard = shard_of(session);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.streams.find(session);
  if (at == shard.streams.end() || at->second.use_count() > 2) return;
  {
    const std::lock_guard stream_lock(at->second->mutex_);
    const SessionStream& stream = *at->second;
    if (!stream.readers_.empty() || !stream.turns_.empty() || !stream.entries_.empty()) return;
  }
  shard.streams.erase(at);
}

std::shared_ptr<SessionStream> StreamHub::find(const state::Key& session) {
  Shard& shard = shard_of(session);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.streams.find(session);
  return at == shard.streams.end() ? nullptr : at->second;
}

void StreamHub::sweep() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sweep(shard);
  }
}

/// Forgets streams that nobody uses: after their retention, or at once while too many bytes are
/// kept.
void StreamHub::sweep(Shard& shard) {
  const auto now = clock_.coarse();
  const bool pressed = kept_bytes_ > options_.total_bytes;
  if (!pressed && now - shard.swept < Seconds{1}) return;
  shard.swept = now;
  std::erase_if(shard.streams, [&](auto& item) {
    auto& stream = item.second;
    if (stream.use_count() > 1) return false;
    const std::lock_guard lock(stream->mutex_);
    if (!stream->readers_.empty() || !stream->turns_.empty()) return false;
    if (!pressed && !stream->entries_.empty() && now - stream->last_use_ < options_.retention)
      return false;
    kept_bytes_ -= stream->bytes_;
    return true;
  });
}

void StreamHub::drop(const state::Key& session) {
  const auto stream = find(session);
  if (!stream) return;
  const std::lock_guard lock(stream->mutex_);
  stream->dropped_ = true;
  for (const auto& reader : stream->readers_) reader->notify();
}

void StreamHub::stop_turns() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [key, stream] : shard.streams) {
      const std::lock_guard stream_lock(stream->mutex_);
      for (const auto& turn : stream->turns_) {
        turn.worker->post([observer = turn.observer] {
          if (const auto alive = observer.lock()) alive->stop();
        });
      }
    }
  }
}

std::size_t StreamHub::turns() const {
  std::size_t count = 0;
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [key, stream] : shard.streams) {
      const std::lock_guard stream_lock(stream->mutex_);
      count += stream->turns_.size();
    }
  }
  return count;
}

StreamHub::Place& StreamHub::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    release();
    hub_ = std::exchange(other.hub_, nullptr);
    session_ = other.session_;
    network_ = other.network_;
    since_ = other.since_;
  }
  return *this;
}

void StreamHub::Place::release() {
  StreamHub* hub = std::exchange(hub_, nullptr);
  if (hub == nullptr) return;
  --hub->open_;
  const std::lock_guard lock(hub->places_mutex_);
  if (const auto at = hub->per_session_.find(session_);
      at != hub->per_session_.end() && --at->second == 0) {
    hub->per_session_.erase(at);
  }
  if (const auto at = hub->per_address_.find(network_);
      at != hub->per_address_.end() && --at->second == 0) {
    hub->per_address_.erase(at);
  }
  if (const auto at = hub->since_.find(since_); at != hub->since_.end()) hub->since_.erase(at);
}

StreamHub::Place StreamHub::admit(const state::Key& session, const IpAddress& address) {
  const IpAddress network = address.network();
  const std::lock_guard lock(places_mutex_);
  if (open_ >= options_.max_streams) return {};
  const auto of_session = per_session_.find(session);
  if (of_session != per_session_.end() && of_session->second >= options_.max_per_session) return {};
  const auto of_address = per_address_.find(network);
  if (of_address != per_address_.end() && of_address->second >= options_.max_per_address) return {};
  ++per_session_[session];
  ++per_address_[network];
  ++open_;
  ++opened_;
  Place place;
  place.hub_ = this;
  place.session_ = session;
  place.network_ = network;
  place.since_ = clock_.monotonic();
  since_.insert(place.since_);
  return place;
}

std::size_t StreamHub::streaming_sessions() const {
  const std::lock_guard lock(places_mutex_);
  return per_session_.size();
}

Seconds StreamHub::oldest_age() const {
  const std::lock_guard lock(places_mutex_);
  if (since_.empty()) return Seconds{0};
  return std::chrono::duration_cast<Seconds>(clock_.monotonic() - *since_.begin());
}

}  // namespace portcullis::chat

#include "chat/stream_hub.hpp"

namespace portcullis::chat {
namespace {

/// How long what other nodes write may be missing where news of it were lost.
constexpr Seconds kRenewAfter{15};
/// The same where it could not be asked for.
constexpr Seconds kTryAgainAfter{1};

}  // namespace

StreamHub::StreamHub(const Options& options, const Clock& clock)
    : options_(options), clock_(clock) {}

void StreamHub::share(state::EventRelay& relay) {
  relay_ = &relay;
  relay.deliver_to({.events = [this](const state::Key& session,
                                     std::string_view sealed) { take_news(session, sealed); },
                    .ended = [this](const state::Key& session) { drop(session); },
                    .missed = [this] { note_missed(); }});
}

Task<void> StreamHub::follow(std::shared_ptr<SessionStream> stream, state::SessionId session,
                             Milliseconds life) {
  {
    const std::lock_guard lock(stream->mutex_);
    if (!stream->shared_) {
      stream->shared_ = std::make_unique<SessionStream::Shared>();
      stream->shared_->session = session;
    }
  }
  co_await renew(std::move(stream), life);
}

Task<void> StreamHub::renew(std::shared_ptr<SessionStream> stream, Milliseconds life) {
  stream->renewal_ = clock_.coarse() + kRenewAfter;
  const auto look = stream->begin_look();
  const auto past = co_await relay_->follow(look.session, look.after, life);
  if (past) {
    stream->end_look(look, *past);
  } else {
    stream->renewal_ = clock_.coarse() + kTryAgainAfter;
  }
}

void StreamHub::unfollow(SessionStream& stream) {
  std::string since;
  state::SessionId session;
  {
    const std::lock_guard lock(stream.mutex_);
    if (!stream.shared_ || !stream.readers_.empty()) return;
    since = std::exchange(stream.shared_->since, {});
    session = stream.shared_->session;
  }
  if (!since.empty()) spawn(relay_->unfollow(session, std::move(since)));
}

void StreamHub::take_news(const state::Key& session, std::string_view sealed) {
  const auto stream = find(session);
  if (!stream) return;
  state::SessionId id;
  {
    const std::lock_guard lock(stream->mutex_);
    if (!stream->shared_) return;
    id = stream->shared_->session;
  }
  if (const auto batch = relay_->open(id, sealed)) stream->merge(*batch);
}

/// Streams on which something is being written ask at once, others with their next renewal.
void StreamHub::note_missed() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [key, stream] : shard.streams) {
      const std::lock_guard stream_lock(stream->mutex_);
      if (!stream->shared_) continue;
      if (!stream->shared_->under_way.empty()) {
        stream->ask_again();
      } else {
        ++stream->shared_->losses;
      }
    }
  }
}

std::shared_ptr<SessionStream> StreamHub::open(const state::Key& session) {
  Shard& shard = shard_of(session);
  const std::lock_guard lock(shard.mutex);
  if (const auto at = shard.streams.find(session); at != shard.streams.end()) return at->second;
  sweep(shard);
  auto stream = std::make_shared<SessionStream>(*this, session);
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
    if (stream->wants_renewal()) stream->wake_readers();
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
  stops_ = true;
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
  std::size_t count = unsent_;
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

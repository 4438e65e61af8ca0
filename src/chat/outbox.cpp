#include "chat/outbox.hpp"

#include <algorithm>
#include <iterator>

namespace portcullis::chat {
namespace {

/// So often a turn says that it lives.
constexpr Milliseconds kSignOfLife = state::EventRelay::kAlive / 3;
constexpr Milliseconds kTryAgainAfter{250};

std::size_t size_of(const state::RelayedEvent& event) {
  return event.json.size() + event.message_id.size();
}

}  // namespace

Outbox::Outbox(net::Worker& worker, StreamHub& hub, std::shared_ptr<SessionStream> stream,
               const state::SessionId& session, std::string message_id)
    : worker_(worker),
      hub_(hub),
      stream_(std::move(stream)),
      session_(session),
      message_id_(std::move(message_id)),
      sent_(worker),
      due_(worker.deadlines(), &on_due, this) {
  due_.arm(kSignOfLife);
}

void Outbox::add(state::RelayedEvent event) {
  if (unsent_.events.empty()) {
    unsent_.behind = last_id_;
    if (!sending_) due_.arm(kGather);
  }
  last_id_ = event.id;
  over_ = event.ends_message;
  unsent_bytes_ += size_of(event);
  unsent_.events.push_back(std::move(event));
  bound();
  if (over_ || (unsent_bytes_ >= kGatherBytes && !failing_since_)) send_soon();
}

/// Of too much, the last event is kept.
void Outbox::bound() {
  auto& events = unsent_.events;
  if (unsent_bytes_ <= kMostUnsent || events.size() < 2) return;
  unsent_.behind = events[events.size() - 2].id;
  unsent_.lost_some = true;
  events.erase(events.begin(), std::prev(events.end()));
  unsent_bytes_ = size_of(events.front());
}

Task<void> Outbox::drained() {
  while (is_full() && sending_) co_await sent_;
}

void Outbox::on_due(void* self) { static_cast<Outbox*>(self)->send_soon(); }

void Outbox::send_soon() {
  if (!sending_) spawn(send());
}

bool Outbox::more_to_say() const noexcept {
  return over_ ? !unsent_.events.empty() : unsent_bytes_ >= kGatherBytes && !failing_since_;
}

/// Until nothing is left to say at once.
Task<void> Outbox::send() {
  const auto self = shared_from_this();
  const StreamHub::Unsent unsent(hub_);
  sending_ = true;
  due_.disarm();
  do {
    state::RelayedPiece piece = std::exchange(unsent_, {});
    const std::size_t bytes = std::exchange(unsent_bytes_, 0);
    piece.message_id = message_id_;
    piece.over = over_;
    const auto followers = co_await hub_.relay()->write(session_, piece);
    sent_.notify();
    if (followers) {
      failing_since_.reset();
      stream_->set_remote_readers(*followers);
      if (piece.lost_some && piece.events.empty()) unsent_.lost_some = true;
      continue;
    }
    const MonotonicTime now = worker_.clock().coarse();
    if (!failing_since_) failing_since_ = now;
    const bool for_long = now - *failing_since_ > state::EventRelay::kAlive;
    if (for_long) stream_->set_remote_readers(0);
    if (over_ && (for_long || hub_.stops())) break;
    put_back(std::move(piece), bytes);
    if (over_) co_await worker_.sleep(kTryAgainAfter);
  } while (more_to_say());
  sending_ = false;
  if (!over_) due_.arm(unsent_.events.empty() ? kSignOfLife : kGather);
}

/// In front of what has come meanwhile.
void Outbox::put_back(state::RelayedPiece piece, std::size_t bytes) {
  if (unsent_.lost_some) return;  // it has become too much
  std::ranges::move(unsent_.events, std::back_inserter(piece.events));
  unsent_bytes_ += bytes;
  unsent_ = std::move(piece);
  bound();
}

}  // namespace portcullis::chat

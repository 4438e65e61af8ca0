#include "chat/outbox.hpp"

namespace portcullis::chat {
namespace {

/// So often a turn says that it lives.
constexpr Milliseconds kSignOfLife = state::EventRelay::kAlive / 3;

}  // namespace

Outbox::Outbox(net::Worker& worker, state::EventRelay& relay, std::shared_ptr<SessionStream> stream,
               const state::SessionId& session, std::string message_id)
    : relay_(relay),
      stream_(std::move(stream)),
      session_(session),
      message_id_(std::move(message_id)),
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
  const std::size_t size = event.json.size() + event.message_id.size();
  if (unsent_bytes_ + size > kMostUnsent && !over_) {
    unsent_.events.clear();
    unsent_bytes_ = 0;
    unsent_.lost_some = true;
    return;
  }
  unsent_bytes_ += size;
  unsent_.events.push_back(std::move(event));
  if (over_ || unsent_bytes_ >= kGatherBytes) send_soon();
}

void Outbox::on_due(void* self) { static_cast<Outbox*>(self)->send_soon(); }

void Outbox::send_soon() {
  if (!sending_) spawn(send());
}

/// Until nothing is left to say at once.
Task<void> Outbox::send() {
  const auto self = shared_from_this();
  sending_ = true;
  due_.disarm();
  do {
    state::RelayedPiece piece = std::exchange(unsent_, {});
    unsent_bytes_ = 0;
    piece.message_id = message_id_;
    piece.over = over_;
    const bool still_lost = piece.lost_some && piece.events.empty();
    const auto followers = co_await relay_.write(session_, std::move(piece));
    if (followers) stream_->set_remote_readers(*followers);
    if (!followers || still_lost) unsent_.lost_some = true;
  } while (unsent_bytes_ >= kGatherBytes || (over_ && !unsent_.events.empty()));
  sending_ = false;
  if (!over_) due_.arm(unsent_.events.empty() ? kSignOfLife : kGather);
}

}  // namespace portcullis::chat

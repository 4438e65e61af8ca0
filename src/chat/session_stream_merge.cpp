// What a stream does with events of other nodes: see docs/adr/0006-event-ids-and-the-ring.md.

#include <algorithm>

#include "chat/session_stream.hpp"
#include "chat/stream_hub.hpp"

namespace portcullis::chat {
namespace {

/// More than a session may send within kLag.
constexpr std::size_t kMostMessages = 64;
/// A turn that lives has said so within this time.
constexpr Seconds kSignOfLifeIsDue{6};
/// For at least so long what others wrote is kept, in the units of ids.
constexpr std::uint64_t kKept = 1000 * state::EventRelay::kKept.count();

}  // namespace

SessionStream::Shared::Message& SessionStream::Shared::message(std::string_view node,
                                                               std::string_view id) {
  const auto at = std::ranges::find_if(
      messages, [&](const Message& message) { return message.id == id && message.node == node; });
  if (at != messages.end()) return *at;
  if (messages.size() >= kMostMessages) {
    const auto over = std::ranges::find(messages, true, &Message::ended);
    messages.erase(over == messages.end() ? messages.begin() : over);
  }
  return messages.emplace_back(std::string(node), std::string(id));
}

bool SessionStream::Shared::was_told_all(const state::RelayedPast& past) const {
  return !since.empty() && past.was_following && losses == losses_known;
}

void SessionStream::set_remote_readers(std::size_t count) {
  const std::lock_guard lock(mutex_);
  remote_readers_ = turns_.empty() ? 0 : count;
  trim();
}

bool SessionStream::wants_renewal() const noexcept {
  return hub_.clock().coarse() >= renewal_.load(std::memory_order_relaxed);
}

void SessionStream::merge(const state::RelayedBatch& batch) {
  const std::lock_guard lock(mutex_);
  // What lies between was lost on its way, or at its writer: what is kept of it says which.
  const auto& message = shared_->message(batch.node, batch.events.front().message_id);
  if (batch.behind > message.last_id) return ask_again();
  merge_locked(batch);
  if (batch.number == shared_->number + 1) shared_->number = batch.number;
}

void SessionStream::merge_locked(const state::RelayedBatch& batch) {
  const std::size_t origin = std::hash<std::string>()(batch.node) | 1;
  bool begins = batch.behind == 0;
  for (const auto& event : batch.events) {
    auto& message = shared_->message(batch.node, event.message_id);
    const bool is_first = std::exchange(begins, false);
    if (event.id <= message.last_id) continue;
    message.last_id = event.id;
    message.ended = event.ends_message;
    append({event.id, origin, event.message_id, event.json, is_first, event.ends_message,
            std::max(event.id, batch.written)});
    auto& under_way = shared_->under_way;
    std::erase(under_way, event.message_id);
    if (!event.ends_message) under_way.push_back(event.message_id);
  }
  while (bytes_ > 2 * hub_.options().buffer_bytes) drop_first();
}

/// Has the readers look at what is kept at once.
void SessionStream::ask_again() {
  ++shared_->losses;
  renewal_ = MonotonicTime{};
  for (const auto& reader : readers_) reader->notify();
}

void SessionStream::wake_readers() {
  const std::lock_guard lock(mutex_);
  for (const auto& reader : readers_) reader->notify();
}

SessionStream::Look SessionStream::begin_look() {
  const std::lock_guard lock(mutex_);
  return {shared_->session, shared_->number, ++shared_->looks, shared_->losses};
}

/// Where what was dropped before it arrived here may be more than readers here have seen, they are
/// told so.
void SessionStream::check_floor(const state::RelayedPast& past) {
  const MonotonicTime now = hub_.clock().coarse();
  const bool is_first = shared_->looked == MonotonicTime{};
  if (is_first && next_ == 0 && readers_.empty()) {
    if (past.floor != 0) floor_ = past.floor;
    return;
  }
  if (is_first) {
    floor_ = std::max(floor_, past.floor != 0 ? past.floor : clock_id() - kKept);
    if (readers_.empty()) return;
  }
  if (shared_->was_told_all(past)) return;
  const bool is_gone = !shared_->since.empty() && !past.was_following;
  const bool is_long_ago = !is_first && shared_->looked + state::EventRelay::kKept < now;
  if (past.lost > shared_->number || past.number < shared_->number || is_gone || is_long_ago) {
    lose_all(past.floor);
  }
}

void SessionStream::end_look(const Look& look, const state::RelayedPast& past) {
  const std::lock_guard lock(mutex_);
  if (look.number < shared_->newest_look) return;  // a later one has overtaken it
  check_floor(past);
  for (const auto& batch : past.batches) {
    if (!writes_ || batch.node != hub_.relay()->node()) merge_locked(batch);
  }
  if (readers_.empty()) std::ranges::sort(entries_, {}, &Entry::id);
  const MonotonicTime now = hub_.clock().coarse();
  shared_->under_way = past.under_way;
  shared_->since = past.since;
  shared_->number = past.number;
  shared_->newest_look = look.number;
  shared_->losses_known = look.losses;
  shared_->looked = now;
  end_orphans();
  for (const auto& reader : readers_) {
    if (!reader->ahead_ || reader->attached_ + Milliseconds{kLag / 1000} > now) continue;
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

/// Messages that have begun and not ended, and those that readers wait for.
std::vector<std::string> SessionStream::open_messages() const {
  std::vector<std::string> open;
  for (const auto& entry : entries_) {
    std::erase(open, entry.message_id);
    if (!entry.ends_message) open.push_back(entry.message_id);
  }
  for (const auto& reader : readers_) {
    const auto& wanted = reader->only_message_;
    const auto unread =
        entries_.begin() + static_cast<std::ptrdiff_t>(std::max(reader->next_, first()) - first());
    const bool has_come = std::find_if(unread, entries_.end(), [&](const Entry& entry) {
                            return entry.message_id == wanted;
                          }) != entries_.end();
    if (!wanted.empty() && !has_come && std::ranges::find(open, wanted) == open.end())
      open.push_back(wanted);
  }
  return open;
}

/// Ends messages whose node is gone: it was not heard of in two looks, between which it would have
/// been, were it alive.
void SessionStream::end_orphans() {
  const MonotonicTime now = hub_.clock().coarse();
  std::vector<Shared::Suspect> suspects;
  for (const auto& message : open_messages()) {
    if (is_under_way_locked(message)) continue;
    const auto at = std::ranges::find(shared_->suspects, message, &Shared::Suspect::message);
    const auto since = at == shared_->suspects.end() ? now : at->since;
    if (now - since < kSignOfLifeIsDue) {
      suspects.push_back({message, since});
      continue;
    }
    const std::uint64_t id = new_id();
    append({id, 0, message,
            error_event(id, message, http::Code::upstream_error, "The answer was interrupted.", {}),
            false, true, id});
  }
  shared_->suspects = std::move(suspects);
  if (!shared_->suspects.empty()) renewal_ = now + kSignOfLifeIsDue;
}

}  // namespace portcullis::chat

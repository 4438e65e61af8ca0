#include "chat/turn.hpp"

#include "chat/context_window.hpp"

namespace portcullis::chat {
namespace {

http::Code code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::timeout:
      return http::Code::upstream_timeout;
    case ErrorCode::withheld:
      return http::Code::answer_withheld;
    case ErrorCode::unavailable:
    case ErrorCode::refused:
    case ErrorCode::exhausted:
      return http::Code::upstream_unavailable;
    default:
      return http::Code::upstream_error;
  }
}

}  // namespace

TurnFailure TurnFailure::of(const Error& error, const upstream::Assistant& assistant,
                            const upstream::Call& call) {
  TurnFailure out{code_of(error.code), std::nullopt, error.detail,
                  error.code == ErrorCode::cancelled};
  if (out.code == http::Code::upstream_unavailable) {
    out.retry_after =
        std::max<std::int64_t>({1, assistant.retry_after(), call.retry_after().count()});
  }
  return out;
}

Turn::Turn(net::Worker& worker, Parts parts)
    : worker_(worker),
      parts_(std::move(parts)),
      message_id_(parts_.question.message_id),
      grace_(worker.deadlines(), &on_grace_over, this),
      room_(worker) {
  if (parts_.publish && parts_.hub->relay() != nullptr) {
    outbox_ =
        std::make_shared<Outbox>(worker, *parts_.hub, parts_.stream, parts_.session, message_id_);
  }
}

Task<void> Turn::run() {
  const auto self = shared_from_this();
  co_await read_answer();
  finished_ = true;
  const TurnOutcome outcome = !failure_             ? TurnOutcome::answered
                              : failure_->cancelled ? TurnOutcome::cancelled
                                                    : TurnOutcome::failed;
  if (parts_.outcomes != nullptr)
    parts_.outcomes->add(static_cast<observe::CounterFamily::Cell>(outcome));
  grace_.disarm();
  if (failure_) {
    if (!failure_->cancelled) error_id_ = parts_.report(*failure_);
    (void)co_await parts_.store->fail_message(parts_.session, message_id_);
  } else if (parts_.keep_text && !too_long_to_keep_) {
    const WallTime now = worker_.clock().wall();
    state::Message message{state::Message::Role::assistant, Ulid::make(now).text(), answer_, now,
                           message_id_};
    (void)co_await parts_.store->add_answer(parts_.session, std::move(message));
  }
  if (parts_.publish) {
    // Turns leave the list in the same step as their last event appears, so that a repeated send
    // finds either the one or the other.
    publish(
        [&](std::uint64_t id) {
          if (!failure_) return end_event(id, message_id_);
          const auto& info = http::info_of(failure_->code);
          return error_event(id, message_id_, failure_->code,
                             failure_->cancelled ? "The answer was cancelled." : info.meaning,
                             error_id_);
        },
        true);
  }
  parts_.stream->remove_turn(message_id_);
  if (!parts_.publish) parts_.stream->forget_if_idle();
}

/// Whether something was said before that the assistant wants to be told.
bool Turn::has_past() const {
  return parts_.assistant->history_tokens() > 0 && parts_.keep_text &&
         parts_.question.message_count > 1;
}

/// What was said before. A store that cannot say costs the conversation its thread, not the visitor
/// the answer.
Task<void> Turn::recall() {
  const auto page = co_await parts_.store->history(parts_.session, SIZE_MAX, 0);
  if (page)
    parts_.question.history =
        context_window(page->messages, message_id_, parts_.assistant->history_tokens());
}

Task<void> Turn::read_answer() {
  if (has_past()) co_await recall();
  call_ = parts_.assistant->start(worker_, std::move(parts_.question));
  if (cancelled_) call_->cancel();
  if (parts_.publish) {
    publish([&](std::uint64_t id) { return begin_event(id, message_id_); }, false);
  }
  while (true) {
    auto piece = co_await call_->next();
    if (cancelled_)
      piece = fail(ErrorCode::cancelled, "nobody reads the answer", ErrorOrigin::client);
    if (!piece) {
      failure_ = TurnFailure::of(piece.error(), *parts_.assistant, *call_);
      break;
    }
    if (!*piece) break;
    if (!too_long_to_keep_) answer_ += **piece;
    if (answer_.size() > parts_.keep_bytes) {
      too_long_to_keep_ = true;
      std::string().swap(answer_);
    }
    if (!parts_.publish) continue;
    const bool room =
        publish([&](std::uint64_t id) { return item_event(id, message_id_, **piece); }, false);
    // While we wait here the upstream's socket stays unread: that is the back-pressure.
    if (!room && !cancelled_) co_await room_;
    if (outbox_ && outbox_->is_full()) co_await outbox_->drained();
    if (!parts_.stream->has_readers() && on_readers_ && parts_.stream->full()) cancel();
  }
  call_.reset();
}

/// An event for all who read, here and at other nodes. @returns whether there is room for more.
bool Turn::publish(const std::function<std::string(std::uint64_t)>& make, bool ends_message) {
  if (!outbox_) return parts_.stream->publish(message_id_, make, ends_message);
  state::RelayedEvent event;
  event.message_id = message_id_;
  event.ends_message = ends_message;
  const bool room = parts_.stream->publish(
      message_id_,
      [&](std::uint64_t id) {
        event.id = id;
        event.json = make(id);
        return event.json;
      },
      ends_message);
  outbox_->add(std::move(event));
  return room;
}

void Turn::cancel() {
  if (finished_ || cancelled_) return;
  cancelled_ = true;
  if (call_) call_->cancel();
  room_.notify();
}

void Turn::live_on_readers() {
  on_readers_ = true;
  readers_changed(parts_.stream->has_own_readers());
}

void Turn::readers_changed(bool any) {
  if (!on_readers_ || finished_) return;
  if (any) {
    grace_.disarm();
    return;
  }
  room_.notify();
  if (parts_.resume_grace.count() == 0) {
    cancel();
  } else {
    grace_.arm(parts_.resume_grace);
  }
}

void Turn::room_available() { room_.notify(); }

void Turn::on_grace_over(void* self) {
  auto& turn = *static_cast<Turn*>(self);
  if (!turn.parts_.stream->has_readers()) return turn.cancel();
  turn.grace_.arm(turn.parts_.resume_grace);  // they read at another node
}

}  // namespace portcullis::chat

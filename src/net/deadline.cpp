#include "net/deadline.hpp"

namespace portcullis::net {

Deadlines::Deadlines(boost::asio::io_context& context, const Clock& clock)
    : clock_(clock), timer_(context) {}

std::int64_t Deadlines::tick_now() const noexcept {
  return std::chrono::duration_cast<Milliseconds>(clock_.coarse().time_since_epoch()) / kTick;
}

void Deadlines::link(DeadlineTimer& timer, Milliseconds after) noexcept {
  const std::int64_t now = tick_now();
  if (armed_ == 0) done_tick_ = now;
  timer.tick_ = now + (after + kTick - Milliseconds{1}) / kTick + 1;
  auto& head = slots_[static_cast<std::size_t>(timer.tick_) % kSlots];
  timer.previous_ = nullptr;
  timer.next_ = head;
  if (head != nullptr) head->previous_ = &timer;
  head = &timer;
  timer.armed_ = true;
  ++armed_;
  if (!scheduled_) schedule();
}

void Deadlines::unlink(DeadlineTimer& timer) noexcept {
  if (timer.previous_ != nullptr) {
    timer.previous_->next_ = timer.next_;
  } else {
    slots_[static_cast<std::size_t>(timer.tick_) % kSlots] = timer.next_;
  }
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  timer.armed_ = false;
  --armed_;
}

void Deadlines::schedule() {
  scheduled_ = true;
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    scheduled_ = false;
    if (!error) on_tick();
  });
}

void Deadlines::on_tick() {
  const std::int64_t now = tick_now();
  // After a long stall one turn of the wheel visits every slot.
  if (now - done_tick_ > static_cast<std::int64_t>(kSlots)) {
    done_tick_ = now - static_cast<std::int64_t>(kSlots);
  }
  while (done_tick_ < now) {
    ++done_tick_;
    auto& head = slots_[static_cast<std::size_t>(done_tick_) % kSlots];
    // A callback may arm or disarm any timer, so start again from the head after each one.
    for (DeadlineTimer* at = head; at != nullptr;) {
      if (at->tick_ > now) {
        at = at->next_;
        continue;
      }
      unlink(*at);
      at->expired_(at->context_);
      at = head;
    }
  }
  if (armed_ > 0 && !scheduled_) schedule();
}

void DeadlineTimer::arm(Milliseconds after) noexcept {
  disarm();
  wheel_.link(*this, after);
}

void DeadlineTimer::disarm() noexcept {
  if (armed_) wheel_.unlink(*this);
}

}  // namespace portcullis::net

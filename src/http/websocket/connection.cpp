#include "http/websocket/connection.hpp"

#include <algorithm>
#include <cstring>

namespace portcullis::http::websocket {
namespace {

/// How often, in its timeout, a write that waits is looked at.
constexpr int kLooksAtWrite = 4;
/// What a peer may still send, and for how long, once all has been said to him.
constexpr Milliseconds kLingerTime{1000};
constexpr std::size_t kMaxLingerBytes = 1 << 20;
/// Less is not worth the work of compressing it.
constexpr std::size_t kLeastCompressed = 32;

void give_back(std::string& text) {
  // Assigning an empty string would keep the memory.
  std::string().swap(text);
}

}  // namespace

/// `co_await Room(connection)`: until there is room in the queue, or nothing is sent any more.
class Connection::Room {
 public:
  explicit Room(Connection& connection) noexcept : c_(connection) {}
  bool await_ready() const noexcept { return c_.unsent() < c_.options_.queue_bytes || c_.broken_; }
  void await_suspend(std::coroutine_handle<> waiter) { c_.senders_.push_back(waiter); }
  void await_resume() const noexcept {}

 private:
  Connection& c_;
};

Connection::Connection(net::Worker& worker, net::Stream& stream, std::string leftover,
                       const ConnectionOptions& options)
    : worker_(worker),
      stream_(stream),
      options_(options),
      reader_(options.role, options.limits, options.deflate.has_value()),
      written_(worker),
      timer_(worker.deadlines(), &on_timer, this),
      write_deadline_(worker.deadlines(), &on_write_deadline, this) {
  if (!leftover.empty()) {
    capacity_ = filled_ = leftover.size();
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
    std::memcpy(buffer_.get(), leftover.data(), filled_);
  }
  last_message_ = worker_.clock().monotonic();
  next_ping_ = last_message_ + options_.ping_every;
  arm_timer();
}

Connection::~Connection() = default;

Task<std::optional<Connection::Message>> Connection::receive() {
  std::optional<Message> out;
  for (int frames = 0; !over_;) {
    if (!needs_bytes()) {
      if (take_step(out)) co_return out;
      if (++frames % kFramesBeforeYield == 0) co_await worker_.yield();
      continue;
    }
    make_room();
    reading_ = true;
    const auto got = co_await stream_.read_some({buffer_.get(), capacity_});
    reading_ = false;
    if (over_) break;
    if (!got) {
      end(close_code::kAbnormal);
      broken_ = broken_ || got.error().code != ErrorCode::closed;
      break;
    }
    heard_ = true;
    at_ = 0;
    filled_ = *got;
  }
  timer_.disarm();
  co_return std::nullopt;
}

/// A buffer as small as what is expected is large.
void Connection::make_room() {
  const bool busy = reader_.missing() > kIdleBuffer;
  const std::size_t wanted = busy ? kBusyBuffer : kIdleBuffer;
  if (capacity_ != wanted) {
    buffer_ = std::make_unique_for_overwrite<char[]>(wanted);
    capacity_ = wanted;
  }
  at_ = filled_ = 0;
}

/// @returns whether a message is there.
bool Connection::take_step(std::optional<Message>& out) {
  using Event = MessageReader::Event;
  const auto step = reader_.put({buffer_.get() + at_, filled_ - at_});
  at_ += step.used;
  switch (step.event) {
    case Event::none:
    case Event::pong:
      return false;
    case Event::ping:
      if (closing_) return false;
      pong_ = std::move(reader_.payload());
      pump();
      return false;
    case Event::close:
      on_close_frame();
      return false;
    case Event::failed:
      close(reader_.code(), reader_.fault());
      end(reader_.code());
      return false;
    case Event::message:
      break;
  }
  if (closing_) {
    give_back(reader_.payload());
    return false;
  }
  last_message_ = worker_.clock().monotonic();
  out = Message{reader_.kind(), std::move(reader_.payload()), reader_.frames()};
  give_back(reader_.payload());
  return true;
}

void Connection::on_close_frame() {
  peer_closed_ = true;
  if (!closing_) peer_reason_ = std::move(reader_.payload());
  const auto code = reader_.code();
  if (closed_with_ == 0) closed_with_ = code;
  if (!closing_) {
    // Section 5.5.1: the answer says the same.
    closing_ = true;
    enqueue(Opcode::close, code == close_code::kNoStatus ? std::string() : close_payload(code));
  }
  over_ = true;
}

Task<bool> Connection::send(Opcode kind, std::string data) {
  co_await Room(*this);
  if (!is_open() || broken_) co_return false;
  say(kind, std::move(data));
  co_return !broken_;
}

bool Connection::offer(std::string_view text) {
  if (!is_open() || !Room(*this).await_ready() || broken_) return false;
  say(Opcode::text, std::string(text));
  return !broken_;
}

void Connection::say(Opcode kind, std::string data) {
  last_message_ = worker_.clock().monotonic();
  const bool compresses = options_.deflate && data.size() >= kLeastCompressed;
  if (compresses) {
    const auto& bits = *options_.deflate;
    data = compress(
        data, options_.role == Role::server ? bits.server_window_bits : bits.client_window_bits);
  }
  enqueue(kind, data, compresses);
}

void Connection::close(std::uint16_t code, std::string_view reason) {
  if (std::exchange(closing_, true)) return;
  if (closed_with_ == 0) closed_with_ = code;
  close_deadline_ = worker_.clock().monotonic() + options_.close_timeout;
  enqueue(Opcode::close, close_payload(code, reason));
  wake_senders();
  if (!over_) arm_timer();
}

void Connection::close_after(std::string_view text, std::uint16_t code, std::string_view reason) {
  if (is_open()) enqueue(Opcode::text, text);
  close(code, reason);
}

void Connection::abort() {
  end(close_code::kAbnormal);
  broken_ = true;
  wake_senders();
  stream_.cancel();
}

/// Nothing is read any more.
void Connection::end(std::uint16_t code) {
  over_ = true;
  if (closed_with_ == 0) closed_with_ = code;
}

Task<void> Connection::finish() {
  timer_.disarm();
  finishing_ = true;
  closing_ = true;
  wake_senders();
  net::DeadlineTimer last_word(worker_.deadlines(), &on_last_word_late, this);
  last_word.arm(options_.write_timeout);
  while (writing_) co_await written_;
  last_word.disarm();
  write_deadline_.disarm();
  if (broken_) co_return;
  // Closing with unread bytes would send a reset, and the close frame might never be seen.
  stream_.shutdown_send();
  struct Linger {
    net::Stream& stream;
    bool late = false;
  } linger{stream_};
  net::DeadlineTimer deadline(
      worker_.deadlines(),
      [](void* self) {
        static_cast<Linger*>(self)->late = true;
        static_cast<Linger*>(self)->stream.cancel();
      },
      &linger);
  deadline.arm(kLingerTime);
  make_room();
  for (std::size_t swallowed = 0; swallowed < kMaxLingerBytes && !linger.late;) {
    const auto got = co_await stream_.read_some({buffer_.get(), capacity_});
    if (!got) break;
    swallowed += *got;
  }
}

void Connection::enqueue(Opcode opcode, std::string_view payload, bool compressed) {
  if (broken_) return;
  append_frame(queue_, opcode, payload, options_.role, compressed);
  pump();
}

/// Writes what goes without waiting, and has the rest written.
void Connection::pump() {
  if (writing_ || broken_) return;
  while (true) {
    if (pong_ && !closing_) append_frame(queue_, Opcode::pong, *pong_, options_.role);
    pong_.reset();
    if (queue_.empty()) break;
    sending_.swap(queue_);
    auto writing = stream_.write(sending_);
    if (!writing.try_now()) {
      writing_ = true;
      delivered_ = stream_.bytes_delivered();
      delivered_since_ = worker_.clock().monotonic();
      write_deadline_.arm(options_.write_timeout / kLooksAtWrite);
      return spawn(write_rest(writing));
    }
    if (!after_write(writing.await_resume())) return;
  }
  give_back(queue_);
  give_back(sending_);
}

Task<void> Connection::write_rest(net::Stream::Write writing) {
  const auto written = co_await writing;
  write_deadline_.disarm();
  writing_ = false;
  if (after_write(written)) {
    pump();
    wake_senders();
  }
  if (finishing_ && !writing_) written_.notify();
}

/// @returns whether the stream takes more.
bool Connection::after_write(const Result<std::size_t>& written) {
  sending_.clear();
  if (written) return true;
  broken_ = true;
  give_back(queue_);
  end(close_code::kAbnormal);
  wake_senders();
  stream_.cancel();  // whoever reads ends, too
  return false;
}

/// Those who wait look again.
void Connection::wake_senders() {
  const bool has_room = unsent() < options_.queue_bytes || broken_ || closing_;
  if (!has_room) return;
  for (const auto waiter : std::exchange(senders_, {})) worker_.resume_later(waiter);
}

void Connection::arm_timer() {
  const auto now = worker_.clock().monotonic();
  const auto at =
      closing_ ? close_deadline_ : std::min(next_ping_, last_message_ + options_.idle_timeout);
  timer_.arm(std::max(std::chrono::ceil<Milliseconds>(at - now), Milliseconds{1}));
}

void Connection::on_timer(void* self) { static_cast<Connection*>(self)->look_at_time(); }

void Connection::look_at_time() {
  if (over_) return;
  const auto now = worker_.clock().monotonic();
  if (closing_) {
    if (now < close_deadline_) return arm_timer();
    // He does not answer: what could be said has been said.
    end(close_code::kAbnormal);
    broken_ = writing_;
    return stream_.cancel();
  }
  if (now >= last_message_ + options_.idle_timeout) {
    return close(close_code::kTimeout, "nothing was said for too long");
  }
  if (now >= next_ping_) {
    // While nobody reads there is nothing to be heard.
    if (!heard_ && reading_) return abort();
    heard_ = false;
    next_ping_ = now + options_.ping_every;
    if (!writing_) enqueue(Opcode::ping, {});
    if (tick_) tick_();
  }
  if (!over_) arm_timer();
}

void Connection::on_last_word_late(void* self) {
  auto& c = *static_cast<Connection*>(self);
  c.broken_ = true;
  c.stream_.cancel();
}

void Connection::on_write_deadline(void* self) {
  auto& c = *static_cast<Connection*>(self);
  const auto delivered = c.stream_.bytes_delivered();
  const auto now = c.worker_.clock().monotonic();
  if (delivered != c.delivered_) {
    c.delivered_ = delivered;
    c.delivered_since_ = now;
  } else if (now - c.delivered_since_ >= c.options_.write_timeout) {
    c.end(close_code::kAbnormal);
    c.broken_ = true;
    return c.stream_.abort();
  }
  c.write_deadline_.arm(c.options_.write_timeout / kLooksAtWrite);
}

}  // namespace portcullis::http::websocket

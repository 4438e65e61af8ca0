#include "http/http1_connection.hpp"

#include <algorithm>
#include <cstring>

#include "http/http1_exchange.hpp"

namespace portcullis::http {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
/// How often, in its timeout, a write that waits is looked at.
constexpr int kLooksAtWrite = 4;
constexpr std::size_t kMaxBuffer = kMaxHeadBytes + 4096;
constexpr std::size_t kRequestsBeforeYield = 32;
/// How much of a refused body is swallowed, and for how long: an honest client that sends a large
/// form reads the refusal only once it is done with sending.
constexpr std::size_t kMaxLingerBytes = 16 << 20;
constexpr Seconds kMaxLingerTime{10};
/// Without a byte for this long, a client that is swallowed or discarded is done.
constexpr Seconds kLingerTime{2};
/// How long a server that drains waits for a head whose first bytes are there.
constexpr Milliseconds kDrainHeadTime{1000};

/// Why these bytes of an unfinished head can become no request; empty where they can.
std::string_view hopeless(std::string_view bytes, std::size_t from) {
  for (std::size_t i = from; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return "NUL in the head";
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return "bare LF";
  }
  return {};
}

}  // namespace

Http1Connection::Http1Connection(net::Worker& worker, std::unique_ptr<net::Stream> stream,
                                 Handler& handler, const ConnectionLimits& limits)
    : worker_(worker),
      stream_(std::move(stream)),
      handler_(handler),
      limits_(limits),
      read_deadline_(worker.deadlines(), &on_read_deadline, this),
      write_deadline_(worker.deadlines(), &on_write_deadline, this),
      monitor_(worker.deadlines(), &on_monitor, this) {}

Http1Connection::~Http1Connection() = default;

void Http1Connection::on_read_deadline(void* self) {
  auto& c = *static_cast<Http1Connection*>(self);
  c.read_timed_out_ = true;
  c.stream_->cancel();
}

/// From now on somebody must take bytes, or the write's timeout ends the connection.
void Http1Connection::watch_write() {
  delivered_ = stream_->bytes_delivered();
  delivered_since_ = worker_.clock().monotonic();
  write_deadline_.arm(limits_.write_timeout / kLooksAtWrite);
}

void Http1Connection::on_write_deadline(void* self) {
  auto& c = *static_cast<Http1Connection*>(self);
  const std::uint64_t delivered = c.stream_->bytes_delivered();
  const auto now = c.worker_.clock().monotonic();
  if (delivered != c.delivered_) {
    c.delivered_ = delivered;
    c.delivered_since_ = now;
  } else if (now - c.delivered_since_ >= c.limits_.write_timeout) {
    return c.stream_->abort();
  }
  c.write_deadline_.arm(c.limits_.write_timeout / kLooksAtWrite);
}

void Http1Connection::on_monitor(void* self) {
  auto& c = *static_cast<Http1Connection*>(self);
  if (c.exchange_ != nullptr) c.exchange_->on_monitor();
}

void Http1Connection::on_peer_gone(void* self) {
  auto& c = *static_cast<Http1Connection*>(self);
  if (c.exchange_ != nullptr) c.exchange_->peer_gone();
}

Task<void> Http1Connection::run() {
  for (std::size_t served = 1;; ++served) {
    const HeadRead head = co_await read_head();
    if (head == HeadRead::closed) break;
    bool go_on = false;
    bool must_linger = false;
    {
      Http1Exchange exchange(*this);
      if (head == HeadRead::invalid) {
        exchange.refuse_framing(head_error_);
      } else {
        exchange.accept_head();
      }
      monitor_.arm(Http1Exchange::kMonitorAfter);
      co_await handler_.handle(exchange);
      monitor_.disarm();
      if (exchange.upgraded()) break;
      // Where the end of the connection is the end of the body, an orderly one would tell that the
      // answer is whole.
      if (exchange.streaming() && !exchange.ended()) co_return stream_->abort();
      go_on = exchange.keep_alive();
      if (go_on && !exchange.body_done()) go_on = co_await discard_body(exchange);
      must_linger = !go_on && exchange.answered() && exchange.ended() && !exchange.gone();
    }
    if (!go_on) {
      if (must_linger) co_await linger();
      break;
    }
    // The head is done with: what follows moves to the front.
    if (filled_ > read_) std::memmove(buffer_.get(), buffer_.get() + read_, filled_ - read_);
    filled_ -= read_;
    read_ = head_size_ = 0;
    if (served % kRequestsBeforeYield == 0) co_await worker_.yield();
  }
  stream_->close();
}

Task<Http1Connection::HeadRead> Http1Connection::read_head() {
  std::size_t scanned = 0;
  bool empty_line_passed = false;
  head_deadline_ = {};
  while (true) {
    // One empty line before a request is let pass (RFC 9112 section 2.2).
    if (!empty_line_passed && unread().starts_with("\r\n")) {
      empty_line_passed = true;
      read_ += 2;
    }
    const auto bytes = unread();
    if (!bytes.empty()) {
      const std::size_t from = scanned < 3 ? 0 : scanned - 3;
      if (const auto end = bytes.find("\r\n\r\n", from); end != std::string_view::npos) {
        if (read_ > 0) {
          std::memmove(buffer_.get(), buffer_.get() + read_, bytes.size());
          filled_ = bytes.size();
          read_ = 0;
        }
        head_size_ = end + 4;
        read_ = head_size_;
        if (head_size_ > kMaxHeadBytes) {
          head_error_ = {Code::headers_too_large, "head above 32 KiB"};
          co_return HeadRead::invalid;
        }
        co_return HeadRead::complete;
      }
      // What cannot become a request any more is answered now, not at the deadline.
      if (const auto reason = hopeless(bytes, from); !reason.empty()) {
        head_error_ = {Code::bad_request, reason};
        co_return HeadRead::invalid;
      }
      scanned = bytes.size();
      // One byte more than the line may be the first half of its CRLF.
      if (bytes.size() > kMaxRequestLineBytes + 1 && bytes.find('\n') == std::string_view::npos) {
        head_error_ = {Code::uri_too_long, "request line too long"};
        co_return HeadRead::invalid;
      }
      if (bytes.size() > kMaxHeadBytes) {
        head_error_ = {Code::headers_too_large, "head above 32 KiB"};
        co_return HeadRead::invalid;
      }
    } else if (draining_) {
      co_return HeadRead::closed;
    }
    if (!grow()) {
      head_error_ = {Code::headers_too_large, "head above 32 KiB"};
      co_return HeadRead::invalid;
    }
    Milliseconds timeout = limits_.idle_timeout;
    if (!bytes.empty()) {
      const auto now = worker_.clock().monotonic();
      if (head_deadline_ == MonotonicTime{}) head_deadline_ = now + time_for_head();
      timeout = std::chrono::duration_cast<Milliseconds>(head_deadline_ - now);
    }
    read_timed_out_ = timeout.count() <= 0;
    Result<std::size_t> got = 0;
    if (!read_timed_out_) {
      read_deadline_.arm(timeout);
      got = co_await stream_->read_some({buffer_.get() + filled_, capacity_ - filled_});
      read_deadline_.disarm();
    }
    if (read_timed_out_ && !bytes.empty()) {
      head_error_ = {Code::request_timeout, "head not complete in time"};
      co_return HeadRead::invalid;
    }
    if (!got || read_timed_out_) co_return HeadRead::closed;
    filled_ += *got;
  }
}

Milliseconds Http1Connection::time_for_head() const {
  return draining_ ? std::min(limits_.head_timeout, kDrainHeadTime) : limits_.head_timeout;
}

bool Http1Connection::grow() {
  if (filled_ < capacity_) return true;
  if (read_ > head_size_) {
    // Make room by moving what is unread down to the head.
    std::memmove(buffer_.get() + head_size_, buffer_.get() + read_, filled_ - read_);
    filled_ -= read_ - head_size_;
    read_ = head_size_;
    return true;
  }
  if (capacity_ >= kMaxBuffer) return false;
  const std::size_t bigger = capacity_ == 0 ? kFirstBuffer : std::min(kMaxBuffer, capacity_ * 2);
  auto buffer = std::make_unique_for_overwrite<char[]>(bigger);
  if (filled_ > 0) std::memcpy(buffer.get(), buffer_.get(), filled_);
  buffer_ = std::move(buffer);
  capacity_ = bigger;
  return true;
}

Task<bool> Http1Connection::discard_body(Http1Exchange& exchange) {
  auto left = static_cast<std::size_t>(exchange.framing().content_length);
  const std::size_t there = std::min(left, filled_ - read_);
  read_ += there;
  left -= there;
  const auto deadline = worker_.clock().monotonic() + kLingerTime;
  while (left > 0) {
    read_ = filled_ = head_size_;
    if (!grow()) co_return false;
    const auto time_left =
        std::chrono::duration_cast<Milliseconds>(deadline - worker_.clock().monotonic());
    if (time_left.count() <= 0) co_return false;
    read_timed_out_ = false;
    read_deadline_.arm(time_left);
    const auto got =
        co_await stream_->read_some({buffer_.get() + filled_, std::min(left, capacity_ - filled_)});
    read_deadline_.disarm();
    if (!got) co_return false;
    left -= *got;
  }
  co_return true;
}

Task<void> Http1Connection::linger() {
  // Closing with unread bytes in the socket would send a reset, and the client might never see the
  // answer. So: say that nothing more comes, and swallow what is still on its way.
  lingering_ = true;
  stream_->shutdown_send();
  read_timed_out_ = false;
  const auto deadline = worker_.clock().monotonic() + kMaxLingerTime;
  head_size_ = read_ = filled_ = 0;
  if (!grow()) co_return;
  for (std::size_t swallowed = 0; swallowed < kMaxLingerBytes;) {
    const auto left =
        std::chrono::duration_cast<Milliseconds>(deadline - worker_.clock().monotonic());
    if (left.count() <= 0) break;
    read_deadline_.arm(std::min<Milliseconds>(left, kLingerTime));
    const auto got = co_await stream_->read_some({buffer_.get(), capacity_});
    read_deadline_.disarm();
    if (!got) break;
    swallowed += *got;
  }
}

void Http1Connection::drain() {
  draining_ = true;
  if (exchange_ != nullptr) return exchange_->drain();
  if (!read_deadline_.is_armed()) return;
  if (lingering_) return;
  if (filled_ == read_) {
    read_timed_out_ = true;  // idle: nothing is lost
    stream_->cancel();
    return;
  }
  const auto now = worker_.clock().monotonic();
  head_deadline_ = std::min(head_deadline_, now + time_for_head());
  const auto left = std::chrono::duration_cast<Milliseconds>(head_deadline_ - now);
  read_deadline_.arm(std::max(left, Milliseconds{0}));
}

void Http1Connection::abort() {
  if (exchange_ != nullptr) exchange_->peer_gone();
  stream_->abort();
}

void Http1Server::serve(std::unique_ptr<net::Stream> stream, const ConnectionLimits& limits,
                        std::move_only_function<void()> closed) {
  auto connection = std::make_unique<Http1Connection>(worker_, std::move(stream), handler_, limits);
  connection->draining_ = draining_;
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection.get();
  first_ = connection.get();
  ++open_;
  spawn(run(std::move(connection), std::move(closed)));
}

Task<void> Http1Server::run(std::unique_ptr<Http1Connection> connection,
                            std::move_only_function<void()> closed) {
  co_await connection->run();
  if (connection->previous_ != nullptr) {
    connection->previous_->next_ = connection->next_;
  } else {
    first_ = connection->next_;
  }
  if (connection->next_ != nullptr) connection->next_->previous_ = connection->previous_;
  --open_;
  connection.reset();
  closed();
}

void Http1Server::drain() {
  draining_ = true;
  for (auto* at = first_; at != nullptr;) {
    auto* next = at->next_;
    at->drain();
    at = next;
  }
}

void Http1Server::abort_all() {
  for (auto* at = first_; at != nullptr;) {
    auto* next = at->next_;
    at->abort();
    at = next;
  }
}

}  // namespace portcullis::http

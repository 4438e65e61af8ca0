#include "http/http1_connection.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "http/head_parser.hpp"

namespace portcullis::http {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kMaxBuffer = kMaxHeadBytes + 4096;
constexpr std::size_t kRequestsBeforeYield = 32;
constexpr std::size_t kMinBodyRate = 512;  // bytes a second
constexpr Seconds kRateWindow{5};
constexpr std::size_t kMaxLingerBytes = 1 << 20;
constexpr Seconds kLingerTime{2};
constexpr std::size_t kMaxDiscard = 64 * 1024;
/// An exchange that lasts longer than this is watched for the client leaving.
constexpr Milliseconds kMonitorAfter{30};

void append_status_line(std::string& out, std::uint16_t status) {
  out += "HTTP/1.1 ";
  text::append_number(out, status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
}

/// The Date header, made once a second on each thread.
void append_date(std::string& out, WallTime now) {
  thread_local std::int64_t second = -1;
  thread_local std::string line;
  if (const auto s = epoch_seconds(now); s != second) {
    second = s;
    line = "Date: " + text::http_date(now) + "\r\n";
  }
  out += line;
}

void append_chunk_header(std::string& out, std::size_t size) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, size, 16);
  (void)error;
  out.append(digits, end);
  out += "\r\n";
}

/// Why these bytes of an unfinished head can become no request; empty where they can.
std::string_view hopeless(std::string_view bytes, std::size_t from) {
  for (std::size_t i = from; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return "NUL in the head";
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return "bare LF";
  }
  return {};
}

bool has_no_body(std::uint16_t status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

/// The exchange of one request on this connection.
class Http1Connection::Http1Exchange final : public Exchange {
 public:
  explicit Http1Exchange(Http1Connection& connection)
      : Exchange(connection.worker_), connection_(connection) {
    client.peer = connection.stream_->peer_address();
    client.address = client.peer;
    client.https = connection.stream_->is_tls();
    connection.exchange_ = this;
    if (connection.draining_) set_draining();
  }
  ~Http1Exchange() override {
    connection_.exchange_ = nullptr;
    connection_.monitor_.disarm();
    connection_.stream_->unwatch_peer();
  }

  void refuse_framing(const FramingError& error) {
    framing_error_ = error;
    close_after_ = true;
    body_done_ = true;
  }

  /// Takes over the head that stands at the front of the connection's buffer.
  void accept_head() {
    const std::string_view bytes(connection_.buffer_.get(), connection_.head_size_);
    if (auto parsed = parse_request_head(bytes, head_); !parsed)
      return refuse_framing(parsed.error());
    auto framing = check_framing(head_);
    if (!framing) return refuse_framing(framing.error());
    framing_ = *framing;
    body_done_ = framing_.body == Framing::Body::none;
    expects_continue_ =
        !body_done_ && head_.version >= 11 && text::iequals(head_.get("expect"), "100-continue");
  }

  void on_monitor() {
    if (gone()) return;
    if (streaming() && body_done_) {
      // A write that waits still reads from the output buffer: another look later.
      if (connection_.write_deadline_.is_armed()) {
        connection_.monitor_.arm(kMonitorAfter);
      } else {
        shrink();
      }
    }
    // Whoever reads an upgraded stream sees the client leave.
    if (body_done_ && !upgraded_)
      connection_.stream_->watch_peer(&Http1Connection::on_peer_gone, &connection_);
  }

  /// Gives the read buffer back and keeps only the bytes of the head.
  void shrink() {
    auto& c = connection_;
    if (!c.buffer_ || c.read_ != c.filled_ || own_head_) return;
    own_head_ = std::make_unique<char[]>(c.head_size_);
    std::memcpy(own_head_.get(), c.buffer_.get(), c.head_size_);
    head_.rebase(own_head_.get());
    c.buffer_.reset();
    c.capacity_ = c.head_size_ = c.read_ = c.filled_ = 0;
    std::string().swap(c.output_);  // assigning an empty string would keep the memory
    std::string().swap(body_);
  }

  void peer_gone() { set_gone(); }
  void drain() { set_draining(); }

  bool keep_alive() const {
    return answered() && !gone() && !close_after_ && framing_.keep_alive && !draining() && ended_;
  }
  bool body_done() const noexcept { return body_done_; }
  bool expects_continue() const noexcept { return expects_continue_; }
  bool ended() const noexcept { return ended_; }
  bool upgraded() const noexcept { return upgraded_; }
  Framing framing_left() const noexcept { return framing_; }

 protected:
  Eventual<Result<std::string_view>> do_read_body(std::uint64_t limit) override {
    if (framing_error_) return fail(ErrorCode::malformed, "no request", ErrorOrigin::client);
    if (body_done_) return Result<std::string_view>(body_view_);
    if (framing_.body == Framing::Body::length) {
      if (framing_.content_length > limit) return too_large();
      const auto there = connection_.unread();
      if (there.size() >= framing_.content_length) {
        body_view_ = there.substr(0, framing_.content_length);
        connection_.read_ += framing_.content_length;
        body_done_ = true;
        return Result<std::string_view>(body_view_);
      }
    }
    return read_rest(limit);
  }

  Eventual<Result<void>> do_send(const Response& response) override {
    auto& out = begin_head(response);
    const bool bodiless = has_no_body(response.status);
    if (!bodiless) {
      out += "Content-Length: ";
      text::append_number(out, response.bytes().size());
      out += "\r\n";
    }
    finish_head(out);
    ended_ = true;
    const bool send_body = !bodiless && head_.method != Method::head;
    return write_all(out, send_body ? response.bytes() : std::string_view{});
  }

  Eventual<Result<void>> do_start(const ResponseHead& head) override {
    auto& out = begin_head(head);
    chunked_ = head_.version >= 11;
    if (chunked_) {
      out += "Transfer-Encoding: chunked\r\n";
    } else {
      close_after_ = true;
    }
    finish_head(out);
    connection_.monitor_.arm(kMonitorAfter);
    return write_all(out, {});
  }

  Eventual<Result<void>> do_write(std::string_view chunk) override {
    if (gone()) return fail(ErrorCode::closed, "the client has gone", ErrorOrigin::client);
    if (chunk.empty() || head_.method == Method::head) return Result<void>{};
    if (!chunked_) return write_all(chunk, {});
    auto& out = connection_.output_;
    out.clear();
    append_chunk_header(out, chunk.size());
    out += chunk;
    out += "\r\n";
    return write_all(out, {});
  }

  Eventual<Result<void>> do_end() override {
    ended_ = true;
    if (!chunked_ || head_.method == Method::head) return Result<void>{};
    return write_all("0\r\n\r\n", {});
  }

  Task<Result<Upgraded>> do_upgrade(const ResponseHead& head) override {
    auto& out = begin_head(head);
    out += "Connection: Upgrade\r\n\r\n";
    upgraded_ = true;
    close_after_ = true;
    connection_.stream_->unwatch_peer();
    connection_.monitor_.arm(kMonitorAfter);
    auto written = co_await write_all(out, {});
    if (!written) co_return std::unexpected(std::move(written).error());
    co_return Upgraded{connection_.stream_.get(), connection_.unread()};
  }

 private:
  Result<std::string_view> too_large() {
    close_after_ = true;
    return fail(ErrorCode::too_large, "the body is above its limit", ErrorOrigin::client);
  }

  std::string& begin_head(const ResponseHead& head) {
    auto& out = connection_.output_;
    out.clear();
    append_status_line(out, head.status);
    append_date(out, started_wall());
    if (!head.content_type.empty()) {
      out += "Content-Type: ";
      out += head.content_type;
      out += "\r\n";
    }
    out += head.headers.text();
    return out;
  }

  void finish_head(std::string& out) {
    // What was not read of the body decides whether the connection can go on.
    if (!body_done_) close_after_ = close_after_ || !can_discard();
    if (close_after_ || !framing_.keep_alive || draining()) {
      close_after_ = true;
      out += "Connection: close\r\n";
    } else if (head_.version < 11) {
      out += "Connection: keep-alive\r\n";
    }
    out += "\r\n";
  }

  /// A small rest of a body is read and thrown away; nobody is asked to send it first.
  bool can_discard() const {
    return framing_.body == Framing::Body::length && framing_.content_length <= kMaxDiscard &&
           !expects_continue_;
  }

  /// Most answers fit the socket's buffer and need no coroutine to wait in.
  Eventual<Result<void>> write_all(std::string_view first, std::string_view second) {
    auto writing = connection_.stream_->write(first, second);
    if (writing.try_now()) return outcome_of(writing.await_resume());
    return finish_write(std::move(writing));
  }

  Task<Result<void>> finish_write(net::Stream::Write writing) {
    auto& c = connection_;
    c.taken_before_ = c.stream_->bytes_taken();
    c.write_deadline_.arm(c.limits_.write_timeout);
    auto written = co_await writing;
    c.write_deadline_.disarm();
    co_return outcome_of(std::move(written));
  }

  static Result<void> outcome_of(Result<std::size_t> written) {
    if (written) return {};
    written.error().origin = ErrorOrigin::client;
    return std::unexpected(std::move(written).error());
  }

  Task<Result<std::string_view>> read_rest(std::uint64_t limit) {
    auto& c = connection_;
    if (expects_continue_) {
      expects_continue_ = false;
      if (c.unread().empty()) {
        auto asked = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n", {});
        if (!asked) co_return std::unexpected(std::move(asked).error());
      }
    }
    const auto deadline = worker().clock().monotonic() + c.limits_.body_timeout;
    auto result = framing_.body == Framing::Body::chunked ? co_await read_chunked(limit, deadline)
                                                          : co_await read_length(deadline);
    if (!result) {
      close_after_ = true;
      co_return std::unexpected(std::move(result).error());
    }
    body_done_ = true;
    body_view_ = body_;
    co_return body_view_;
  }

  Task<Result<void>> read_length(MonotonicTime deadline) {
    auto& c = connection_;
    const auto size = static_cast<std::size_t>(framing_.content_length);
    // The buffer grows with what really arrives: an announced length costs nothing.
    body_.assign(c.unread());
    c.read_ = c.filled_;
    while (body_.size() < size) {
      const std::size_t at = body_.size();
      body_.resize(std::min(size, std::max<std::size_t>(at * 2, at + 16 * 1024)));
      auto got = co_await read_body_bytes({body_.data() + at, body_.size() - at}, deadline);
      if (!got) {
        body_.resize(at);
        co_return std::unexpected(std::move(got).error());
      }
      body_.resize(at + *got);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> read_chunked(std::uint64_t limit, MonotonicTime deadline) {
    auto& c = connection_;
    ChunkedDecoder decoder;
    while (true) {
      const auto step = decoder.put(c.unread(), body_, limit);
      if (!step) {
        co_return fail(step.error(), "chunked body", ErrorOrigin::client);
      }
      c.read_ += step->consumed;
      if (step->done) co_return Result<void>{};
      if (!c.grow(kMaxBuffer)) {
        co_return fail(ErrorCode::malformed, "chunk header too long", ErrorOrigin::client);
      }
      head_.rebase(c.buffer_.get());  // growing moved the head
      auto got = co_await read_body_bytes({c.buffer_.get() + c.filled_, c.capacity_ - c.filled_},
                                          deadline);
      if (!got) co_return std::unexpected(std::move(got).error());
      c.filled_ += *got;
    }
  }

  /// Reads some body bytes within the deadline and above the minimum rate.
  Task<Result<std::size_t>> read_body_bytes(std::span<char> into, MonotonicTime deadline) {
    auto& c = connection_;
    const auto now = worker().clock().monotonic();
    if (window_start_ == MonotonicTime{}) window_start_ = now;
    if (now - window_start_ >= kRateWindow) {
      if (window_bytes_ < kMinBodyRate * kRateWindow.count()) co_return slow();
      window_start_ = now;
      window_bytes_ = 0;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - now);
    if (left.count() <= 0) co_return slow();
    c.read_timed_out_ = false;
    c.read_deadline_.arm(std::min<Milliseconds>(left, kRateWindow + Milliseconds{100}));
    auto got = co_await c.stream_->read_some(into);
    c.read_deadline_.disarm();
    if (!got) {
      if (c.read_timed_out_) co_return slow();
      set_gone();
      got.error().origin = ErrorOrigin::client;
      co_return got;
    }
    window_bytes_ += *got;
    co_return got;
  }

  static Result<std::size_t> slow() {
    return fail(ErrorCode::timeout, "the body comes too slowly", ErrorOrigin::client);
  }

  Http1Connection& connection_;
  std::unique_ptr<char[]> own_head_;
  std::string body_;
  std::string_view body_view_;
  MonotonicTime window_start_{};
  std::uint64_t window_bytes_ = 0;
  bool body_done_ = true;
  bool expects_continue_ = false;
  bool close_after_ = false;
  bool chunked_ = false;
  bool ended_ = false;
  bool upgraded_ = false;
};

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

void Http1Connection::on_write_deadline(void* self) {
  auto& c = *static_cast<Http1Connection*>(self);
  const std::uint64_t taken = c.stream_->bytes_taken();
  if (taken == c.taken_before_) return c.stream_->abort();
  c.taken_before_ = taken;  // slow, but it moves
  c.write_deadline_.arm(c.limits_.write_timeout);
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
      monitor_.arm(kMonitorAfter);
      co_await handler_.handle(exchange);
      monitor_.disarm();
      if (exchange.upgraded()) break;
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
  MonotonicTime head_started{};
  while (true) {
    // One empty line before a request is let pass (RFC 9112 section 2.2).
    if (scanned == 0 && unread().starts_with("\r\n")) read_ += 2;
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
    if (!grow(kMaxBuffer)) {
      head_error_ = {Code::headers_too_large, "head above 32 KiB"};
      co_return HeadRead::invalid;
    }
    Milliseconds timeout = limits_.idle_timeout;
    if (!bytes.empty()) {
      const auto now = worker_.clock().monotonic();
      if (head_started == MonotonicTime{}) head_started = now;
      timeout = limits_.head_timeout - std::chrono::duration_cast<Milliseconds>(now - head_started);
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

bool Http1Connection::grow(std::size_t limit) {
  if (filled_ < capacity_) return true;
  if (read_ > head_size_) {
    // Make room by moving what is unread down to the head.
    std::memmove(buffer_.get() + head_size_, buffer_.get() + read_, filled_ - read_);
    filled_ -= read_ - head_size_;
    read_ = head_size_;
    return true;
  }
  if (capacity_ >= limit) return false;
  const std::size_t bigger = capacity_ == 0 ? kFirstBuffer : std::min(limit, capacity_ * 2);
  auto buffer = std::make_unique_for_overwrite<char[]>(bigger);
  if (filled_ > 0) std::memcpy(buffer.get(), buffer_.get(), filled_);
  buffer_ = std::move(buffer);
  capacity_ = bigger;
  return true;
}

Task<bool> Http1Connection::discard_body(Http1Exchange& exchange) {
  auto left = static_cast<std::size_t>(exchange.framing_left().content_length);
  const std::size_t there = std::min(left, filled_ - read_);
  read_ += there;
  left -= there;
  while (left > 0) {
    read_ = filled_ = head_size_;
    if (!grow(kMaxBuffer)) co_return false;
    read_timed_out_ = false;
    read_deadline_.arm(kLingerTime);
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
  stream_->shutdown_send();
  read_timed_out_ = false;
  const auto deadline = worker_.clock().monotonic() + kLingerTime;
  head_size_ = read_ = filled_ = 0;
  if (!grow(kFirstBuffer)) co_return;
  for (std::size_t swallowed = 0; swallowed < kMaxLingerBytes;) {
    const auto left =
        std::chrono::duration_cast<Milliseconds>(deadline - worker_.clock().monotonic());
    if (left.count() <= 0) break;
    read_deadline_.arm(left);
    const auto got = co_await stream_->read_some({buffer_.get(), capacity_});
    read_deadline_.disarm();
    if (!got) break;
    swallowed += *got;
  }
}

void Http1Connection::drain() {
  draining_ = true;
  if (exchange_ != nullptr) {
    exchange_->drain();
  } else if (read_deadline_.is_armed() && filled_ == read_) {
    read_timed_out_ = true;  // idle: nothing is lost
    stream_->cancel();
  }
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

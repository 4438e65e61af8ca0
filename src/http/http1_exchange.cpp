#include "http/http1_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "http/chunk.hpp"
#include "http/head_parser.hpp"

namespace portcullis::http {
namespace {

constexpr std::size_t kMinBodyRate = 512;  // bytes a second
constexpr Seconds kRateWindow{5};
constexpr std::size_t kMaxDiscard = 64 * 1024;

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

bool has_no_body(std::uint16_t status) { return status == 204 || status == 304 || status < 200; }

Result<void> outcome_of(Result<std::size_t> written) {
  if (written) return {};
  written.error().origin = ErrorOrigin::client;
  return std::unexpected(std::move(written).error());
}

Result<std::size_t> slow() {
  return fail(ErrorCode::timeout, "the body comes too slowly", ErrorOrigin::client);
}

}  // namespace

Http1Exchange::Http1Exchange(Http1Connection& connection)
    : Exchange(connection.worker_), connection_(connection) {
  client.peer = connection.stream_->peer_address();
  client.address = client.peer;
  set_tls(connection.stream_->is_tls());
  connection.exchange_ = this;
  set_road(&connection.handler_);
  if (connection.draining_) set_draining();
}

Http1Exchange::~Http1Exchange() {
  connection_.exchange_ = nullptr;
  connection_.monitor_.disarm();
  connection_.stream_->unwatch_peer();
}

void Http1Exchange::refuse_framing(const FramingError& error) {
  framing_error_ = error;
  close_after_ = true;
  body_done_ = true;
}

void Http1Exchange::accept_head() {
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

void Http1Exchange::on_monitor() {
  if (gone()) return;
  if (streaming() && body_done_) {
    // A write that waits still reads from the output buffer: another look later.
    if (connection_.write_deadline_.is_armed()) {
      connection_.monitor_.arm(kMonitorAfter);
    } else {
      shrink();
    }
  }
  // Whoever reads, a body or an upgraded stream, sees the client leave.
  if (upgraded_) return;
  if (body_done_ || answered()) {
    connection_.stream_->watch_peer(&Http1Connection::on_peer_gone, &connection_);
  } else {
    connection_.monitor_.arm(kMonitorAfter);
  }
}

/// Gives the read buffer back and keeps only the bytes of the head.
void Http1Exchange::shrink() {
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

bool Http1Exchange::keep_alive() const {
  return answered() && !gone() && !close_after_ && framing_.keep_alive && !draining() && ended_;
}

Eventual<Result<std::string_view>> Http1Exchange::do_read_body(std::uint64_t limit) {
  if (framing_error_) return fail(ErrorCode::malformed, "no request", ErrorOrigin::client);
  if (body_done_) return Result<std::string_view>(body_view_);
  if (framing_.body == Framing::Body::length) {
    if (framing_.content_length > limit) {
      close_after_ = true;
      return fail(ErrorCode::too_large, "the body is above its limit", ErrorOrigin::client);
    }
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

Eventual<Result<std::string_view>> Http1Exchange::do_read_some_body(std::uint64_t limit) {
  if (framing_error_) return fail(ErrorCode::malformed, "no request", ErrorOrigin::client);
  if (body_done_) return Result<std::string_view>(std::string_view());
  in_pieces_ = true;
  if (framing_.body == Framing::Body::length) {
    if (framing_.content_length > limit) {
      close_after_ = true;
      return fail(ErrorCode::too_large, "the body is above its limit", ErrorOrigin::client);
    }
    if (auto there = connection_.unread(); !there.empty()) {
      there = there.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(
                                  framing_.content_length - passed_, kBodyPiece)));
      connection_.read_ += there.size();
      passed_ += there.size();
      body_done_ = passed_ == framing_.content_length;
      return Result<std::string_view>(there);
    }
  }
  return read_piece(limit);
}

Task<Result<std::string_view>> Http1Exchange::read_piece(std::uint64_t limit) {
  if (auto asked = co_await ask_for_body(); !asked) co_return std::unexpected(asked.error());
  const auto deadline = worker().clock().monotonic() + kRateWindow;
  Result<void> result;
  if (framing_.body == Framing::Body::chunked) {
    body_.clear();
    result = co_await read_chunked(limit, deadline);
    body_done_ = chunks_.done();
  } else {
    const auto left = framing_.content_length - passed_;
    body_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kBodyPiece)));
    const auto got = co_await read_body_bytes(body_, deadline);
    if (got) {
      body_.resize(*got);
      passed_ += *got;
      body_done_ = passed_ == framing_.content_length;
    } else {
      result = std::unexpected(got.error());
    }
  }
  if (!result) {
    close_after_ = true;
    co_return std::unexpected(std::move(result).error());
  }
  co_return std::string_view(body_);
}

Task<Result<void>> Http1Exchange::ask_for_body() {
  const bool expected = std::exchange(expects_continue_, false);
  if (!expected || !connection_.unread().empty()) co_return Result<void>{};
  co_return co_await write_all("HTTP/1.1 100 Continue\r\n\r\n", {});
}

Task<Result<std::string_view>> Http1Exchange::read_rest(std::uint64_t limit) {
  auto& c = connection_;
  if (auto asked = co_await ask_for_body(); !asked) co_return std::unexpected(asked.error());
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

Task<Result<void>> Http1Exchange::read_length(MonotonicTime deadline) {
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

/// To the end, or in pieces to where there is something.
Task<Result<void>> Http1Exchange::read_chunked(std::uint64_t limit, MonotonicTime deadline) {
  auto& c = connection_;
  while (true) {
    const auto step = chunks_.put(c.unread(), body_, limit);
    if (!step) {
      co_return fail(step.error(), "chunked body", ErrorOrigin::client);
    }
    c.read_ += step->consumed;
    if (step->done || (in_pieces_ && !body_.empty())) co_return Result<void>{};
    if (!c.grow()) {
      co_return fail(ErrorCode::malformed, "chunk header too long", ErrorOrigin::client);
    }
    head_.rebase(c.buffer_.get());  // growing moved the head
    auto got =
        co_await read_body_bytes({c.buffer_.get() + c.filled_, c.capacity_ - c.filled_}, deadline);
    if (!got) co_return std::unexpected(std::move(got).error());
    c.filled_ += *got;
  }
}

/// Reads some body bytes within the deadline and above the minimum rate.
Task<Result<std::size_t>> Http1Exchange::read_body_bytes(std::span<char> into,
                                                         MonotonicTime deadline) {
  auto& c = connection_;
  const auto now = worker().clock().monotonic();
  if (waited_ >= kRateWindow) {
    if (window_bytes_ < kMinBodyRate * kRateWindow.count()) co_return slow();
    waited_ = {};
    window_bytes_ = 0;
  }
  const auto left = std::chrono::duration_cast<Milliseconds>(deadline - now);
  if (left.count() <= 0) co_return slow();
  c.read_timed_out_ = false;
  c.read_deadline_.arm(std::min<Milliseconds>(left, kRateWindow + Milliseconds{100}));
  auto got = co_await c.stream_->read_some(into);
  c.read_deadline_.disarm();
  waited_ += worker().clock().monotonic() - now;
  if (!got) {
    if (c.read_timed_out_) co_return slow();
    set_gone();
    got.error().origin = ErrorOrigin::client;
    co_return got;
  }
  window_bytes_ += *got;
  co_return got;
}

Eventual<Result<void>> Http1Exchange::do_send(const Response& response) {
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

Eventual<Result<void>> Http1Exchange::do_start(const ResponseHead& head) {
  auto& out = begin_head(head);
  has_length_ = head.content_length.has_value() && !has_no_body(head.status);
  chunked_ = !has_length_ && head_.version >= 11 && !has_no_body(head.status);
  if (has_length_) {
    left_to_write_ = *head.content_length;
    out += "Content-Length: ";
    text::append_number(out, left_to_write_);
    out += "\r\n";
  } else if (has_no_body(head.status)) {
    // RFC 9110 section 8.6: neither a length nor a body.
  } else if (chunked_) {
    out += "Transfer-Encoding: chunked\r\n";
  } else {
    close_after_ = true;
  }
  finish_head(out);
  connection_.monitor_.arm(kMonitorAfter);
  return write_all(out, {});
}

Eventual<Result<void>> Http1Exchange::do_write(std::string_view chunk) {
  if (gone()) return fail(ErrorCode::closed, "the client has gone", ErrorOrigin::client);
  if (chunk.empty() || head_.method == Method::head) return Result<void>{};
  if (has_length_) {
    if (chunk.size() > left_to_write_) {
      return fail(ErrorCode::too_large, "more than the length that was said");
    }
    left_to_write_ -= chunk.size();
  }
  if (!chunked_) return write_all(chunk, {});
  auto& out = connection_.output_;
  out.clear();
  append_chunk(out, chunk);
  return write_all(out, {});
}

Eventual<Result<void>> Http1Exchange::do_end() {
  ended_ = !has_length_ || left_to_write_ == 0 || head_.method == Method::head;
  if (!chunked_ || head_.method == Method::head) return Result<void>{};
  return write_all("0\r\n\r\n", {});
}

Task<Result<Exchange::Upgraded>> Http1Exchange::do_upgrade(const ResponseHead& head) {
  auto& out = begin_head(head);
  out += "Connection: Upgrade\r\n\r\n";
  upgraded_ = true;
  close_after_ = true;
  connection_.stream_->unwatch_peer();
  connection_.monitor_.arm(kMonitorAfter);
  auto written = co_await write_all(out, {});
  if (!written) co_return std::unexpected(std::move(written).error());
  Upgraded upgraded{connection_.stream_.get(), std::string(connection_.unread())};
  connection_.read_ = connection_.filled_;
  co_return upgraded;
}

std::string& Http1Exchange::begin_head(const ResponseHead& head) {
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

void Http1Exchange::finish_head(std::string& out) {
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
bool Http1Exchange::can_discard() const {
  return framing_.body == Framing::Body::length && framing_.content_length <= kMaxDiscard &&
         !expects_continue_ && !in_pieces_;
}

/// Most answers fit the socket's buffer and need no coroutine to wait in.
Eventual<Result<void>> Http1Exchange::write_all(std::string_view first, std::string_view second) {
  auto writing = connection_.stream_->write(first, second);
  if (writing.try_now()) return outcome_of(writing.await_resume());
  return finish_write(writing);
}

Task<Result<void>> Http1Exchange::finish_write(net::Stream::Write writing) {
  auto& c = connection_;
  c.watch_write();
  auto written = co_await writing;
  c.write_deadline_.disarm();
  co_return outcome_of(std::move(written));
}

}  // namespace portcullis::http

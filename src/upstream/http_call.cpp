#include "upstream/http_call.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "base/siphash.hpp"
#include "base/text.hpp"
#include "http/retry_after.hpp"

namespace portcullis::upstream {
namespace {

using Outcome = HttpService::Outcome;

constexpr Milliseconds kLongestRetryWait{5'000};
constexpr Milliseconds kLongestRetryAfter{
    3'600'000};  ///< no visitor is told to stay away for longer

Milliseconds jittered(Milliseconds delay) {
  const double factor = 0.5 + FastRandom::local().unit();
  return Milliseconds{static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor)};
}

constexpr int kOverloaded = 529;  // Anthropic's own

/// What a status other than 200 means. What was not taken for what it says (too long for the model,
/// a word that it does not like) may be the visitor's doing and no sign that the upstream fails.
Error error_of(int status, bool names_time) {
  std::string detail = "the upstream answered with status " + std::to_string(status);
  switch (status) {
    case 400:
    case 413:
    case 422:
      return {ErrorCode::malformed, ErrorOrigin::gateway, Retry::no, std::move(detail)};
    case 401:
    case 403:
      return {ErrorCode::unauthorized, ErrorOrigin::upstream, Retry::no,
              detail + ": is the key right?"};
    case 404:
      return {ErrorCode::not_found, ErrorOrigin::upstream, Retry::no,
              detail + ": are URL and model right?"};
    case 408:
    case 504:
      return {ErrorCode::timeout, ErrorOrigin::upstream, Retry::no, std::move(detail)};
    case 429:
    case 503:
    case kOverloaded:
      return {ErrorCode::unavailable, ErrorOrigin::upstream, names_time ? Retry::safe : Retry::no,
              std::move(detail)};
    default:
      return {ErrorCode::malformed, ErrorOrigin::upstream, Retry::no, std::move(detail)};
  }
}

}  // namespace

HttpCall::HttpCall(std::shared_ptr<HttpService> service, net::Worker& worker,
                   std::unique_ptr<HttpDialect> dialect)
    : service_(std::move(service)),
      worker_(worker),
      dialect_(std::move(dialect)),
      deadline_(worker.deadlines(), &on_deadline, this) {}

HttpCall::~HttpCall() {
  if (stream_) give_back(false);
  if (pass_) service_->breaker().forget(pass_);
}

Task<Result<std::optional<std::string>>> HttpCall::next() {
  while (true) {
    if (next_piece_ < pieces_.size()) co_return std::move(pieces_[next_piece_++]);
    if (pending_error_) co_return settle_error(*std::move(pending_error_));
    pieces_.clear();
    next_piece_ = 0;
    if (finished_) co_return std::nullopt;
    auto more = decoder_ ? co_await read_more() : co_await begin();
    if (!more) {
      // What was said before it broke is passed on first.
      if (pieces_.empty()) co_return settle_error(std::move(more).error());
      pending_error_ = std::move(more).error();
      continue;
    }
    if (finished_ && pieces_.empty()) co_return std::nullopt;
  }
}

void HttpCall::cancel() {
  cancelled_ = true;
  if (stream_) stream_->cancel();
}

std::uint64_t HttpCall::session_number() const {
  return siphash128(dialect_->session_handle(), {1, 2})[0];
}

void HttpCall::on_deadline(void* self) {
  auto& call = *static_cast<HttpCall*>(self);
  call.timed_out_ = true;
  if (call.stream_) call.stream_->cancel();
}

/// However little an upstream sends at a time, the whole of it has its time too.
void HttpCall::arm(Milliseconds timeout) {
  timed_out_ = false;
  if (const auto total = service_->options().total_timeout; total.count() > 0) {
    const auto used = std::chrono::ceil<Milliseconds>(worker_.clock().monotonic() - begun_);
    timeout = std::clamp(total - used, Milliseconds{0}, timeout);
  }
  deadline_.arm(timeout);
}

/// Connects, sends and reads until the answer's head is there; tries again where that is safe.
Task<Result<void>> HttpCall::begin() {
  if (cancelled_) co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  pass_ = service_->breaker().allow();
  if (!pass_) {
    service_->count(Outcome::rejected);
    settled_ = true;
    co_return fail(ErrorCode::unavailable, "the breaker is open", ErrorOrigin::upstream);
  }
  service_->retry_budget().on_call();
  begun_ = worker_.clock().monotonic();
  for (int attempt = 1;; ++attempt) {
    auto tried = co_await try_once();
    if (tried || cancelled_) co_return tried;
    if (tried.error().retry != Retry::safe || attempt >= service_->options().tries ||
        !service_->retry_budget().try_retry()) {
      co_return tried;
    }
    Milliseconds wait = jittered(service_->options().retry_delay * (1 << (attempt - 1)));
    if (retry_after_.count() > 0) {
      if (retry_after_ > kLongestRetryWait) co_return tried;
      wait = std::max(wait, retry_after_);
    }
    service_->count_retry();
    co_await worker_.sleep(wait);
    if (cancelled_)
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  }
}

Task<Result<void>> HttpCall::try_once() {
  retry_after_ = Milliseconds{0};
  auto lease = co_await service_->pool_of(worker_).acquire();
  if (!lease) co_return std::unexpected(std::move(lease).error());
  stream_ = std::move(lease->stream);
  if (cancelled_) co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);

  auto request = dialect_->request(worker_.clock().wall());
  request.head += "Content-Length: ";
  text::append_number(request.head, request.body.size());
  request.head += "\r\n\r\n";

  arm(service_->options().first_byte_timeout);
  const auto written = co_await stream_->write(request.head, request.body);
  if (!written) {
    deadline_.disarm();
    const bool cancelled = cancelled_;
    give_back(false);
    if (cancelled) co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
    co_return fail(timed_out_ ? ErrorCode::timeout : ErrorCode::reset,
                   "sending to the upstream failed", ErrorOrigin::upstream);
  }
  parser_.emplace();
  std::string body_start;
  while (!parser_->head_done()) {
    auto got = co_await read_into(body_start);
    if (!got) {
      deadline_.disarm();
      give_back(false);
      co_return std::unexpected(std::move(got).error());
    }
  }
  deadline_.disarm();
  co_return accept_head(body_start);
}

Result<void> HttpCall::accept_head(const std::string& body_start) {
  const auto& head = parser_->head();
  if (head.status != 200) {
    const auto retry_after =
        http::parse_retry_after(head.retry_after, head.retry_after_ms, worker_.clock().wall());
    retry_after_ = std::min(retry_after.value_or(Milliseconds{0}), kLongestRetryAfter);
    const int status = head.status;
    give_back(false);
    return std::unexpected(error_of(status, retry_after.has_value()));
  }
  if (!head.content_encoding.empty() && head.content_encoding != "identity") {
    give_back(false);
    return fail(ErrorCode::malformed, "the upstream compressed its answer unasked",
                ErrorOrigin::upstream);
  }
  decoder_ = dialect_->decoder(head);
  return decode(body_start);
}

Task<Result<void>> HttpCall::read_more() {
  arm(service_->options().idle_timeout);
  std::string body;
  while (body.empty() && !parser_->done()) {
    auto got = co_await read_into(body);
    if (!got) {
      deadline_.disarm();
      give_back(false);
      co_return std::unexpected(std::move(got).error());
    }
  }
  deadline_.disarm();
  co_return decode(body);
}

Result<void> HttpCall::decode(std::string_view body) {
  auto put = decoder_->put(body, pieces_);
  if (put && parser_->done()) {
    put = decoder_->finish(pieces_);
    if (put) settle_success();
  }
  if (!put && stream_) give_back(false);
  return put;
}

/// One read; body bytes go to `body`.
Task<Result<void>> HttpCall::read_into(std::string& body) {
  if (cancelled_) co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  auto got = co_await stream_->read_some(buffer_);
  if (cancelled_) co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  if (timed_out_) {
    co_return fail(ErrorCode::timeout, "the upstream was silent for too long",
                   ErrorOrigin::upstream);
  }
  if (!got) {
    if (got.error().code == ErrorCode::closed && parser_->put_eof()) co_return Result<void>{};
    co_return fail(ErrorCode::closed, "the upstream ended its answer early", ErrorOrigin::upstream);
  }
  std::string_view bytes(buffer_.data(), *got);
  if (!unparsed_.empty()) {
    unparsed_ += bytes;
    bytes = unparsed_;
  }
  const auto used = parser_->put(bytes, body);
  if (!used) {
    co_return fail(ErrorCode::malformed, "the upstream's answer is no valid HTTP",
                   ErrorOrigin::upstream);
  }
  extra_bytes_ = parser_->done() && *used < bytes.size();
  if (*used < bytes.size()) {
    unparsed_ = std::string(bytes.substr(*used));
  } else {
    unparsed_.clear();
  }
  co_return Result<void>{};
}

void HttpCall::settle_success() {
  finished_ = true;
  settled_ = true;
  const auto& head = parser_->head();
  give_back(head.keep_alive && !extra_bytes_);
  service_->breaker().record(std::exchange(pass_, {}), true, session_number());
  service_->note_success(worker_.clock().wall());
  service_->count(Outcome::ok);
}

std::unexpected<Error> HttpCall::settle_error(Error error) {
  deadline_.disarm();
  if (stream_) give_back(false);
  if (std::exchange(settled_, true)) return std::unexpected(std::move(error));
  const bool cancelled = error.code == ErrorCode::cancelled;
  if (!cancelled && error.code != ErrorCode::exhausted) {
    service_->log().write(observe::Level::warning, "upstream call failed",
                          {{"upstream", service_->options().name},
                           {"message_id", dialect_->message_id()},
                           {"reason", error.detail}});
  }
  // What we ended, could not begin or did not want to pass on is no failure of the upstream.
  if (error.origin == ErrorOrigin::upstream) {
    service_->breaker().record(std::exchange(pass_, {}), false, session_number());
    service_->note_failure(worker_.clock().wall());
  } else {
    service_->breaker().forget(std::exchange(pass_, {}));
  }
  service_->count(cancelled                          ? Outcome::cancelled
                  : error.code == ErrorCode::timeout ? Outcome::timeout
                                                     : Outcome::error);
  return std::unexpected(std::move(error));
}

void HttpCall::give_back(bool reusable) {
  service_->pool_of(worker_).release(std::move(stream_), reusable && !service_->retired());
  unparsed_.clear();
}

}  // namespace portcullis::upstream

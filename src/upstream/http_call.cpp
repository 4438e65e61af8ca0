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
    : service_(std::move(service)), dialect_(std::move(dialect)), channel_(service_, worker) {}

HttpCall::~HttpCall() {
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

void HttpCall::cancel() { channel_.cancel(); }

std::uint64_t HttpCall::session_number() const {
  return siphash128(dialect_->session_handle(), {1, 2})[0];
}

/// Connects, sends and reads until the answer's head is there; tries again where that is safe.
Task<Result<void>> HttpCall::begin() {
  if (channel_.cancelled())
    co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  pass_ = service_->breaker().allow();
  if (!pass_) {
    service_->count(Outcome::rejected);
    settled_ = true;
    co_return fail(ErrorCode::unavailable, "the breaker is open", ErrorOrigin::upstream);
  }
  service_->retry_budget().on_call();
  channel_.begin();
  for (int attempt = 1;; ++attempt) {
    auto tried = co_await try_once();
    if (tried || channel_.cancelled()) co_return tried;
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
    co_await channel_.worker().sleep(wait);
    if (channel_.cancelled())
      co_return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
  }
}

Task<Result<void>> HttpCall::try_once() {
  retry_after_ = Milliseconds{0};
  auto there = co_await channel_.connect();
  if (!there) co_return there;
  auto request = dialect_->request(channel_.worker().clock().wall());
  request.head += "Content-Length: ";
  text::append_number(request.head, request.body.size());
  request.head += "\r\n\r\n";
  auto sent = co_await channel_.send(request.head, request.body);
  if (!sent) co_return sent;
  std::string body_start;
  auto answered = co_await channel_.read_head(body_start);
  if (!answered) co_return answered;
  co_return accept_head(body_start);
}

Result<void> HttpCall::accept_head(const std::string& body_start) {
  const auto& head = channel_.head();
  if (head.status != 200) {
    const auto retry_after = http::parse_retry_after(head.retry_after, head.retry_after_ms,
                                                     channel_.worker().clock().wall());
    retry_after_ = std::min(retry_after.value_or(Milliseconds{0}), kLongestRetryAfter);
    const int status = head.status;
    channel_.drop();
    return std::unexpected(error_of(status, retry_after.has_value()));
  }
  if (!head.content_encoding.empty() && head.content_encoding != "identity") {
    channel_.drop();
    return fail(ErrorCode::malformed, "the upstream compressed its answer unasked",
                ErrorOrigin::upstream);
  }
  decoder_ = dialect_->decoder(head);
  return decode(body_start);
}

Task<Result<void>> HttpCall::read_more() {
  std::string body;
  auto got = co_await channel_.read_body(body);
  if (!got) co_return got;
  co_return decode(body);
}

Result<void> HttpCall::decode(std::string_view body) {
  auto put = decoder_->put(body, pieces_);
  if (put && channel_.done()) {
    put = decoder_->finish(pieces_);
    if (put) settle_success();
  }
  if (!put) channel_.drop();
  return put;
}

void HttpCall::settle_success() {
  finished_ = true;
  settled_ = true;
  channel_.give_back();
  service_->breaker().record(std::exchange(pass_, {}), true, session_number());
  service_->note_success(channel_.worker().clock().wall());
  service_->count(Outcome::ok);
}

std::unexpected<Error> HttpCall::settle_error(Error error) {
  channel_.drop();
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
    service_->note_failure(channel_.worker().clock().wall());
  } else {
    service_->breaker().forget(std::exchange(pass_, {}));
  }
  service_->count(cancelled                          ? Outcome::cancelled
                  : error.code == ErrorCode::timeout ? Outcome::timeout
                                                     : Outcome::error);
  return std::unexpected(std::move(error));
}

}  // namespace portcullis::upstream

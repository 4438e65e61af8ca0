#include "upstream/http_channel.hpp"

#include <algorithm>

namespace portcullis::upstream {
namespace {

std::unexpected<Error> client_gone() {
  return fail(ErrorCode::cancelled, "the client has gone", ErrorOrigin::client);
}

}  // namespace

HttpChannel::HttpChannel(std::shared_ptr<HttpService> service, net::Worker& worker,
                         http::ResponseParser::Wants wants)
    : service_(std::move(service)),
      worker_(worker),
      wants_(wants),
      deadline_(worker.deadlines(), &on_deadline, this) {
  begin();
}

HttpChannel::~HttpChannel() { drop(); }

Task<Result<void>> HttpChannel::connect() {
  if (cancelled_) co_return client_gone();
  auto lease = co_await service_->pool_of(worker_).acquire();
  if (!lease) co_return std::unexpected(std::move(lease).error());
  stream_ = std::move(lease->stream);
  parser_.emplace(wants_);
  if (cancelled_) co_return client_gone();
  co_return Result<void>{};
}

Task<Result<void>> HttpChannel::send(std::string_view first, std::string_view second) {
  arm(service_->options().first_byte_timeout);
  const auto written = co_await stream_->write(first, second);
  deadline_.disarm();
  if (written) co_return Result<void>{};
  co_return lost(ErrorCode::reset, "sending to the upstream failed");
}

Task<Result<void>> HttpChannel::read_head(std::string& body) {
  arm(service_->options().first_byte_timeout);
  while (!parser_->head_done()) {
    auto got = co_await read_some(body);
    if (!got) co_return got;
  }
  deadline_.disarm();
  co_return Result<void>{};
}

Task<Result<void>> HttpChannel::read_body(std::string& body) {
  arm(service_->options().idle_timeout);
  const auto before = body.size();
  while (body.size() == before && !parser_->done()) {
    auto got = co_await read_some(body);
    if (!got) co_return got;
  }
  deadline_.disarm();
  co_return Result<void>{};
}

Task<Result<void>> HttpChannel::read_some(std::string& body) {
  if (cancelled_) co_return lost(ErrorCode::cancelled, "");
  const auto got = co_await stream_->read_some(buffer_);
  if (cancelled_ || timed_out_) co_return lost(ErrorCode::timeout, "");
  if (!got) {
    if (got.error().code == ErrorCode::closed && parser_->put_eof()) co_return Result<void>{};
    co_return lost(ErrorCode::closed, "the upstream ended its answer early");
  }
  std::string_view bytes(buffer_.data(), *got);
  if (!unparsed_.empty()) {
    unparsed_ += bytes;
    bytes = unparsed_;
  }
  const auto used = parser_->put(bytes, body);
  if (!used) co_return lost(ErrorCode::malformed, "the upstream's answer is no valid HTTP");
  extra_bytes_ = parser_->done() && *used < bytes.size();
  if (*used < bytes.size()) {
    unparsed_ = std::string(bytes.substr(*used));
  } else {
    unparsed_.clear();
  }
  co_return Result<void>{};
}

/// What failed, unless somebody gave up before: that is why it failed then.
std::unexpected<Error> HttpChannel::lost(ErrorCode code, const char* detail) {
  const bool timed_out = timed_out_;
  drop();
  if (cancelled_) return client_gone();
  if (timed_out) {
    return fail(ErrorCode::timeout, "the upstream was silent for too long", ErrorOrigin::upstream);
  }
  return fail(code, detail, ErrorOrigin::upstream);
}

void HttpChannel::give_back() {
  if (!stream_) return;
  deadline_.disarm();
  if (!parser_->head_done()) return drop();
  const auto& head = parser_->head();
  // What should have no body and has one all the same would be the next answer.
  const bool bodiless = head.status == 204 || head.status == 304;
  const bool may_lie =
      wants_.head_request || (bodiless && (head.chunked || head.content_length.value_or(0) > 0));
  const bool reusable = done() && head.keep_alive && !extra_bytes_ && !may_lie && !once_;
  service_->pool_of(worker_).release(std::move(stream_), reusable && !service_->retired());
  unparsed_.clear();
}

void HttpChannel::drop() {
  deadline_.disarm();
  if (stream_) service_->pool_of(worker_).release(std::move(stream_), false);
  unparsed_.clear();
}

void HttpChannel::cancel() {
  cancelled_ = true;
  if (stream_) stream_->cancel();
}

void HttpChannel::on_deadline(void* self) {
  auto& channel = *static_cast<HttpChannel*>(self);
  channel.timed_out_ = true;
  if (channel.stream_) channel.stream_->cancel();
}

/// However little a service sends at a time, the whole of it has its time too.
void HttpChannel::arm(Milliseconds timeout) {
  timed_out_ = false;
  if (const auto total = service_->options().total_timeout; total.count() > 0) {
    const auto used = std::chrono::ceil<Milliseconds>(worker_.clock().monotonic() - begun_);
    timeout = std::clamp(total - used, Milliseconds{0}, timeout);
  }
  deadline_.arm(timeout);
}

}  // namespace portcullis::upstream
